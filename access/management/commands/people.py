"""`people`: merchants, people and roles from the command line of whoever runs the product."""

import argparse
import getpass
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access import credentials, operations
from access.models import Merchant, User
from access.roles import Role
from core import clock
from core.actor import Actor, system
from core.errors import DomainError


class Command(BaseCommand):
    """Make the first merchant and its admins, and repair what no admin can (a lost second factor, a lost admin)."""

    help = "Add merchants and people, change roles, remove a lost second factor."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        merchant = verbs.add_parser("add-merchant", help="add a merchant and print its id")
        merchant.add_argument("name")
        merchant.add_argument("--business-number", default="")
        add = verbs.add_parser("add", help="add a person; the password is asked for, or read from standard input")
        add.add_argument("merchant", help="id of the merchant")
        add.add_argument("username")
        add.add_argument("--name", default="")
        add.add_argument("--role", choices=Role.values, required=True)
        role = verbs.add_parser("role", help="change a person's role at once")
        role.add_argument("merchant", help="id of the merchant")
        role.add_argument("username")
        role.add_argument("--role", choices=Role.values, required=True)
        drop = verbs.add_parser("drop-code", help="remove a person's lost second factor")
        drop.add_argument("username")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do one verb."""
        by = system("people")
        try:
            getattr(self, f"_{options['verb'].replace('-', '_')}")(options, by)
        except DomainError as refusal:
            raise CommandError(str(refusal.message) or refusal.code) from refusal

    def _add_merchant(self, options: dict[str, Any], by: Actor) -> None:
        merchant = operations.create_merchant(
            name=options["name"], business_number=options["business_number"], by=by, now=clock.now()
        )
        self.stdout.write(merchant.public_id)

    def _add(self, options: dict[str, Any], by: Actor) -> None:
        password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
        user = operations.add_user(
            scope=operations.merchant_scope(_merchant(options)),
            username=options["username"],
            name=options["name"] or options["username"],
            role=Role(options["role"]),
            password=password,
            by=by,
            now=clock.now(),
        )
        self.stdout.write(user.public_id)

    def _role(self, options: dict[str, Any], by: Actor) -> None:
        scope = operations.merchant_scope(_merchant(options))
        operations.set_role(scope=scope, user_id=_user(options).public_id, role=Role(options["role"]), by=by)

    def _drop_code(self, options: dict[str, Any], by: Actor) -> None:
        credentials.drop_code(user=_user(options), by=by)


def _merchant(options: dict[str, Any]) -> Merchant:
    found = Merchant.objects.filter(public_id=options["merchant"]).first()
    if found is None:
        raise CommandError(f"There is no merchant {options['merchant']}.")
    return found


def _user(options: dict[str, Any]) -> User:
    found = User.objects.filter(username=operations.normal_username(options["username"])).first()
    if found is None:
        raise CommandError(f"There is nobody called {options['username']}.")
    return found
