"""The pages: catalogue, workbench, alerts and health in a browser. All they show comes from `Workspace`."""
