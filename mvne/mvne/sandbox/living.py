"""What people do in a simulated life: sign up, lose a phone, get a new one, run out of data, change cards, leave."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import select

from mvne import collecting, lines, phone, service, signup, usage, workers
from mvne.lines import Line
from mvne.people import Subscriber
from mvne.sandbox import files
from mvne.sandbox.agenda import Life, Run
from mvne.sandbox.simulation import Failure
from mvne.signup import PaymentDeclined, SignUp
from mvne.states import LineState
from mvne_billing.invoice import issuing
from mvne_billing.payments import attempts
from mvne_billing.states import PaymentState
from mvne_provisioning.states import PoolState
from mvne_provisioning.tables import provisioning_number

GOOD_CARDS = ("pm_card_visa", "pm_card_mastercard", "pm_card_visa_debit")
#: Kept, and declined at every charge.
FAILING_CARD = "pm_card_chargeCustomerFail"
#: Refused already when it is to be kept.
EXPIRED_CARD = "pm_card_chargeDeclinedExpiredCard"

_FAULTY_CARDS = {Failure.CARD_REFUSED: EXPIRED_CARD, Failure.FIRST_PAYMENT_DECLINED: FAILING_CARD}
_HOST = (Failure.HOST_SILENT, Failure.HOST_ANSWER_LOST)
_SMDP = (Failure.SMDP_SILENT, Failure.SMDP_ANSWER_LOST)


def expect(run: Run, life: Life) -> None:
    """Put on the agenda what will happen to somebody, from the sign-up on."""
    fate = life.person.fate
    card = _FAULTY_CARDS.get(fate.sign_up_failure) if fate.sign_up_failure else None
    run.plan(life.person.joins, partial(_sign_up, life=life, wanted=_wish(life, card or _good_card(life))))
    for at, do in (
        (fate.loses_phone, _lose_phone),
        (fate.new_phone, _change_phone),
        (fate.card_fails, _card_fails),
        (fate.leaves, _leave),
    ):
        if at is not None:
            run.plan(at, partial(do, life=life))


def _wish(life: Life, method: str, number: str | None = None) -> SignUp:
    person = life.person
    subscriber = Subscriber(
        id=person.id,
        name=f"Sandbox {person.number}",
        email=f"{person.id}@sandbox.example",
        language=person.language,
        born=person.born,
        region=person.region,
    )
    return SignUp(subscriber, person.id, person.plan, method, person.periods, person.code, number)


def _good_card(life: Life) -> str:
    return GOOD_CARDS[life.person.number % len(GOOD_CARDS)]


def _sign_up(run: Run, at: datetime, life: Life, wanted: SignUp) -> None:
    """Sign up, with what was to go wrong; a card that does not work is replaced the next day."""
    failure = life.person.fate.sign_up_failure
    if failure is Failure.RECORD_EARLY:
        _enter_late(run, at, life)
        return
    _order_failure(run, life, failure)
    try:
        signup.sign_up(run.platform, run.name, wanted, at)
    except PaymentDeclined:
        found = failure or Failure.CARD_REFUSED
        run.went_wrong(found)
        again = partial(_signed_up, life=life, wanted=_wish(life, _good_card(life)))
        run.plan(at + timedelta(days=1), again, found)
    else:
        _installs_soon(run, at, life)


def _signed_up(run: Run, at: datetime, life: Life, wanted: SignUp) -> None:
    signup.sign_up(run.platform, run.name, wanted, at)
    _installs_soon(run, at, life)


def _order_failure(run: Run, life: Life, failure: Failure | None) -> None:
    """Order what is to go wrong, once: a sign-up that is repeated goes well."""
    if failure is None or life.failed:
        return
    life.failed = True
    if failure in _HOST:
        run.faults.of_host(failure, "activate")
    elif failure in _SMDP:
        run.faults.of_smdp(failure, "confirm_order")
    elif failure is Failure.GATEWAY_SILENT:
        run.faults.of_charge(failure)


def _enter_late(run: Run, at: datetime, life: Life) -> None:
    """Let a shop enter a sign-up hours later, when a record of its number has come in already and waits."""
    number, directory = _free_number(run), run.directories[life.person.plan]
    name, country = f"early-{life.person.number}", run.brand.market.code
    file = run.files.write(name, [files.call(name, number, at + timedelta(hours=1), country, directory.home[0])])
    usage.load_file(run.platform, run.name, file, at + timedelta(hours=2))
    run.went_wrong(Failure.RECORD_EARLY)
    run.watched[name] = Failure.RECORD_EARLY
    signup.sign_up(run.platform, run.name, _wish(life, _good_card(life), number), at)
    _installs_soon(run, at + timedelta(hours=3), life)
    run.plan(at + timedelta(hours=3), _replay)


def _replay(run: Run, at: datetime) -> None:
    usage.replay_suspense(run.platform, run.name, at)


def _free_number(run: Run) -> str:
    numbers = provisioning_number.c
    query = select(numbers.msisdn).where(numbers.brand == run.name, numbers.state == PoolState.AVAILABLE)
    with run.platform.store.read() as conn:
        return str(conn.execute(query.order_by(numbers.msisdn.desc()).limit(1)).scalar_one())


def _installs_soon(run: Run, at: datetime, life: Life) -> None:
    run.plan(at + timedelta(minutes=10 + life.person.number % 50), partial(_install, life=life))


def _install(run: Run, at: datetime, life: Life) -> None:
    """Scan the code; one in some learns only the next day that it worked."""
    known = _line(run, life)
    if known.activation_code is None or known.state not in (LineState.READY, LineState.ACTIVE, LineState.SUSPENDED):
        return
    if life.person.fate.sign_up_failure is Failure.NOTIFICATION_LATE and known.state is LineState.READY:
        phone.simulated(run.platform).smdp.download(known.activation_code, phone.eid_of(known.id), at)
        run.went_wrong(Failure.NOTIFICATION_LATE)
        run.plan(at + timedelta(days=1), partial(_told_late, life=life), Failure.NOTIFICATION_LATE)
        return
    phone.install(run.platform, run.name, known.id, at)
    life.usable_from = at


def _told_late(run: Run, at: datetime, life: Life) -> None:
    phone.deliver_progress(run.platform, at)
    life.usable_from = at


def _lose_phone(run: Run, at: datetime, life: Life) -> None:
    """Have the line suspended; some days later the phone is found, or there is a new one."""
    if _line(run, life).state is not LineState.ACTIVE or life.usable_from is None:
        return
    run.faults.of_host_at_times("suspend")
    after = timedelta(days=life.person.fate.lost_for)
    run.plan(at + after, partial(_found if life.person.fate.finds_it else _replaced, life=life))
    run.plan(at, partial(_suspend, life=life))


def _suspend(run: Run, at: datetime, life: Life) -> None:
    service.suspend(run.platform, run.name, life.person.id, service.REQUESTED, at)


def _found(run: Run, at: datetime, life: Life) -> None:
    if _line(run, life).cause == service.REQUESTED:
        service.resume(run.platform, run.name, life.person.id, at)
        life.usable_from = at


def _replaced(run: Run, at: datetime, life: Life) -> None:
    """Move the line to a new phone, then lift the suspension."""
    _change_phone(run, at, life)
    run.plan(at + timedelta(hours=2), partial(_found, life=life))


def _change_phone(run: Run, at: datetime, life: Life) -> None:
    """Get a new eSIM; the old one stops at once."""
    if _line(run, life).state not in (LineState.ACTIVE, LineState.SUSPENDED) or life.usable_from is None:
        return
    run.faults.of_host_at_times("swap_sim")
    life.usable_from = None
    run.plan(at, partial(_swap, life=life, card=_line(run, life).iccid))


def _swap(run: Run, at: datetime, life: Life, card: str | None) -> None:
    """Get another eSIM than `card`, unless an earlier attempt has been finished since by whatever came next."""
    known = _line(run, life)
    if known.state is LineState.ENDED:
        return
    if known.iccid == card:
        service.swap_sim(run.platform, run.name, known.id, at)
    _installs_soon(run, at, life)


def _card_fails(run: Run, at: datetime, life: Life) -> None:
    collecting.use_method(run.platform, run.name, life.person.id, FAILING_CARD)


def declined(run: Run, at: datetime, life: Life) -> None:
    """React to a bill that could not be collected for the first time: some get a new card at once, some late."""
    repair = life.person.fate.repair
    if life.person.fate.card_fails is not None and repair != "never":
        run.plan(at + timedelta(days=2 if repair == "early" else 12), partial(_new_card, life=life))


def _new_card(run: Run, at: datetime, life: Life) -> None:
    """Get a card that works, and pay at once what a suspension is for."""
    collecting.use_method(run.platform, run.name, life.person.id, _good_card(life))
    if _line(run, life).state is LineState.SUSPENDED:
        pay_open(run, at, life)


def pay_open(run: Run, at: datetime, life: Life) -> None:
    """Pay every open bill of somebody by hand."""
    with run.platform.store.read() as conn:
        documents = issuing.of_subscription(conn, run.name, life.person.id)
        owed = [one.id for one in documents if one.kind == "invoice" and attempts.due(conn, run.name, one.id).minor > 0]
    for invoice in owed:
        paid(run, invoice, collecting.collect(run.platform, run.name, invoice, at).state)
    run.plan(at, _work)
    run.plan(at + timedelta(minutes=5), partial(_back, life=life))


def paid(run: Run, invoice: str, state: PaymentState) -> None:
    """Note that a declined bill has been paid after all."""
    if state is PaymentState.SUCCEEDED and invoice in run.declined:
        del run.declined[invoice]
        run.made_good(Failure.PAYMENT_DECLINED)


def _work(run: Run, at: datetime) -> None:
    workers.work(run.platform, run.name, at)


def _back(run: Run, at: datetime, life: Life) -> None:
    if _line(run, life).state is LineState.ACTIVE and life.usable_from is not None:
        life.usable_from = at


def _leave(run: Run, at: datetime, life: Life) -> None:
    if _line(run, life).state in (LineState.ACTIVE, LineState.READY):
        service.cancel(run.platform, run.name, life.person.id, at)


def buy_addon(run: Run, at: datetime, life: Life, addon: str) -> None:
    """Buy more data, if the line is still there."""
    if _line(run, life).state is LineState.ACTIVE:
        life.addons += 1
        purchase = f"{life.person.id}:addon:{life.addons}"
        service.buy_addon(run.platform, run.name, life.person.id, addon, purchase, at)


def _line(run: Run, life: Life) -> Line:
    with run.platform.store.read() as conn:
        return lines.get(conn, run.name, life.person.id)
