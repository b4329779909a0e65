"""`python -m local ...`: the same commands as `sitefleet local ...`."""

from local.cli import main

if __name__ == "__main__":
    main()
