"""Detections: folders of native rule files with what there is to say of them, and their findings."""
