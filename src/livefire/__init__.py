"""livefire runs any SIEM's detection, exactly as written, over cloud audit logs, and proves that it fires."""
