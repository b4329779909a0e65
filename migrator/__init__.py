"""The container job: what needs a database, a file system, a site's port or more than a minute."""
