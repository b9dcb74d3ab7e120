"""`python -m listrak_sms_cli`, and the entry point of `lsms`."""

from listrak_sms_cli.cli.app import main

if __name__ == "__main__":
    main()
