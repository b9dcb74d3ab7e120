"""`python -m listrak_sms_cli`, and the entry point of `lsms`."""

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # until `main` runs, Ctrl-C ends without a traceback

from listrak_sms_cli.cli.app import main  # noqa: E402

if __name__ == "__main__":
    main()
