"""`python -m listrak_sms_cli`, and the entry point of `lsms`."""

import gc
import os
import signal
import sys

# numpy would start threads for linear algebra, which lsms has none of.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
gc.set_threshold(200_000, 20, 20)  # importing makes no garbage: looking for some takes a tenth of the start-up
# Arrow's own allocators hand pages back and fetch them again, zeroed: a tenth of the time and of the memory of a push.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
sys.setswitchinterval(0.001)  # seconds: threads of short steps wait for each other; a twentieth of the time of a push
signal.signal(signal.SIGINT, signal.SIG_DFL)  # until `main` runs, Ctrl-C ends without a traceback

from listrak_sms_cli.cli import main  # noqa: E402 (after what speeds it up)

if __name__ == "__main__":
    main()
