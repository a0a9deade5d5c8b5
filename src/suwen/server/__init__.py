"""The web application: tasks over HTTP, a page to look at, health and metrics."""
