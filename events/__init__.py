"""The wire: what the fleet accepts, publishes and announces. Imports nothing else of ours."""
