"""The `mvne` command. Command modules import only click at the top, so that `mvne --help` answers at once."""

from __future__ import annotations

import sys

import click

from mvne.cli import balance, bill, brand, charging, explain, ledger, phone, sandbox, smdp, subscriber, usage
from mvne.cli.failures import INTERRUPTED, explained


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="mvne", message="mvne %(version)s")
def root() -> None:
    """Launch a mobile brand from one file: check it, launch it, sign people up, rate, bill, collect.

    \b
    Begin with:  mvne init "My Brand" --market fr --template seniors
    then:        mvne check plan.yaml  and  mvne launch plan.yaml

    \b
    Exit status: 0 done, 1 failure, 2 usage, 3 the plan file is not valid, 4 changes (with --detailed-exitcode),
    5 interrupted on the way: run it again, 6 refused by somebody outside, 130 stopped by hand.
    """


for _command in (
    *brand.COMMANDS,
    subscriber.group,
    usage.group,
    bill.group,
    balance.group,
    charging.group,
    ledger.group,
    phone.group,
    sandbox.command,
    smdp.group,
    explain.group,
):
    root.add_command(_command)


def main() -> None:
    """Run the command line and exit with its status; every failure is a sentence."""
    try:
        status = root.main(standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("stopped; nothing is lost: run the same command again", err=True)
        status = INTERRUPTED
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except KeyboardInterrupt:
        click.echo("stopped; nothing is lost: run the same command again", err=True)
        status = INTERRUPTED
    except Exception as error:  # the outermost edge: whatever happens, a person gets a sentence and a status
        status = explained(error)
    sys.exit(status if isinstance(status, int) else 0)
