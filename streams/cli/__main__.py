"""``python -m streams.cli`` is `vigil`, also where nothing is installed."""

import sys

from streams.cli.main import main

sys.exit(main())
