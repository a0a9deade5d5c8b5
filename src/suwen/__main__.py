"""``python -m suwen`` is the command line."""

from suwen.cli.main import main

main()
