"""`lsms sandbox`: a simulated Listrak on loopback, for demos, development and CI."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from listrak_sms_cli.cli.given import Given
from listrak_sms_cli.cli.output import output
from listrak_sms_cli.errors import UsageError
from listrak_sms_cli.rehearsal import sandbox_extra

if TYPE_CHECKING:
    from listrak_sms_cli.sandbox import SandboxConfig


def sandbox(given: Given) -> None:
    """Serve a simulated Listrak on loopback until Ctrl-C. Nothing leaves the machine.

    Example: lsms sandbox --port 8026 --contacts contacts.csv
    """
    with sandbox_extra():
        from listrak_sms_cli.sandbox import SandboxConfig, serve
    for name in ("contacts", "fields", "faults"):
        if given[name] is not None and not given[name].is_file():
            raise UsageError(f"There is no file {given[name]} (--{name}).", hint="Check the path.", code="sandbox_seed")
    config = SandboxConfig(**{name: value for name, value in given.values.items() if name != "json"})
    try:
        serve(config, _announcer(config))
    except OSError:
        raise UsageError(
            f"Port {config.port} is taken, or a file of the sandbox cannot be read.",
            hint="Try --port 0 for a free port.",
            code="sandbox_start",
        ) from None
    except ValueError as error:
        raise UsageError(str(error), code="sandbox_seed") from None


def _announcer(config: SandboxConfig) -> Callable[[str], None]:
    def announce(url: str) -> None:
        settings = {
            "LISTRAK_API_URL": f"{url}/sms",
            "LISTRAK_TOKEN_URL": f"{url}/OAuth2/Token",
            "LISTRAK_CLIENT_ID": config.client_id,
            "LISTRAK_CLIENT_SECRET": config.client_secret,
        }
        if output.json:
            output.document({"url": url, **settings})
        else:
            lines = "\n".join(f"  export {name}={value}" for name, value in settings.items())
            sys.stdout.write(
                f"A simulated Listrak listens on {url}; Ctrl-C ends it.\nPush to it from another terminal:\n"
                f"{lines}\n  lsms push audience.csv --sender-code 1026\n"
                f"See its contacts, imports and opt-outs in a browser: {url}/\n"
            )
        sys.stdout.flush()

    return announce
