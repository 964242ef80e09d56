"""What Elasticsearch's filter languages share: indices and their fields, and how a field's values are tested."""
