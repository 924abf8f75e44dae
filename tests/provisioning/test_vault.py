"""Keys at rest: what is sealed opens in its context only, and keys change while everything runs."""

from __future__ import annotations

import base64
import pickle
import traceback
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvne_provisioning.vault import BadKeys, NotOpened, UnknownKey, Vault, VaultError, key_name, parse_keys

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
SECRET = b"0123456789abcdef"
IMSI, OTHER_IMSI = b"imsi 999700000000001", b"imsi 999700000000002"


def vault(current: str = "old", **keys: bytes) -> Vault:
    numbers = count()
    return Vault(keys or {"old": OLD}, current, token=lambda size: next(numbers).to_bytes(size))


def text(key: bytes) -> str:
    return base64.b64encode(key).decode()


@given(plain=st.binary(max_size=64), context=st.binary(max_size=64))
@settings(max_examples=30)
def test_what_is_sealed_opens_again(plain: bytes, context: bytes) -> None:
    assert vault().open(vault().seal(plain, context), context) == plain


def test_the_secret_is_not_in_what_is_stored_and_never_stored_alike() -> None:
    one = vault()
    first, second = one.seal(SECRET, IMSI), one.seal(SECRET, IMSI)
    assert SECRET not in first
    assert first != second
    assert first[-32:] != second[-32:]


@pytest.mark.parametrize("context", [OTHER_IMSI, b"", IMSI + b" "])
def test_it_does_not_open_in_another_context(context: bytes) -> None:
    with pytest.raises(NotOpened):
        vault().open(vault().seal(SECRET, IMSI), context)


def test_any_changed_byte_and_any_cut_is_noticed() -> None:
    sealed = vault().seal(SECRET, IMSI)
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        for spoilt in (bytes(changed), sealed[:place]):
            with pytest.raises((NotOpened, UnknownKey)):
                vault().open(spoilt, IMSI)


def test_the_name_of_the_key_cannot_be_moved_into_the_context() -> None:
    twins = Vault({"a": OLD, "ab": OLD}, "ab", token=bytes)
    sealed = twins.seal(SECRET, b"c")
    moved = bytes([1, 1]) + b"a" + sealed[4:]
    with pytest.raises(NotOpened):
        twins.open(moved, b"bc")


@given(st.binary(max_size=80))
@settings(max_examples=60)
def test_any_bytes_are_refused_with_a_typed_error(junk: bytes) -> None:
    with pytest.raises(VaultError):
        vault().open(junk, IMSI)


def test_keys_are_changed_without_a_moment_in_which_something_cannot_be_opened() -> None:
    before, meanwhile = vault("old", old=OLD), vault("old", old=OLD, new=NEW)
    after, alone = vault("new", old=OLD, new=NEW), vault("new", new=NEW)
    stored = before.seal(SECRET, IMSI)
    assert meanwhile.open(stored, IMSI) == after.open(stored, IMSI) == SECRET
    assert not after.is_current(stored)
    assert meanwhile.open(after.seal(SECRET, IMSI), IMSI) == SECRET
    resealed = after.reseal(stored, IMSI)
    assert after.is_current(resealed)
    assert key_name(resealed) == after.current == "new"
    assert alone.open(resealed, IMSI) == SECRET
    assert after.reseal(resealed, IMSI) is resealed
    with pytest.raises(UnknownKey, match="'old'"):
        alone.open(stored, IMSI)
    with pytest.raises(NotOpened):
        after.reseal(stored, OTHER_IMSI)


def test_another_key_under_the_same_name_does_not_open_it() -> None:
    with pytest.raises(NotOpened):
        vault(old=NEW).open(vault().seal(SECRET, IMSI), IMSI)


@pytest.mark.parametrize(
    ("keys", "current", "message"),
    [
        ({"a": OLD}, "b", "'b' is not among them"),
        ({}, "b", "'b' is not among them"),
        ({"a": OLD[:16]}, "a", "a is no base64 of 32 bytes"),
        ({"a b": OLD}, "a b", "a name is not"),
        ({"ü": OLD}, "ü", "a name is not"),
        ({"": OLD}, "", "a name is not"),
    ],
)
def test_unusable_keys_are_refused_at_the_start(keys: dict[str, bytes], current: str, message: str) -> None:
    with pytest.raises(BadKeys, match=message):
        Vault(keys, current, bytes)


@pytest.mark.parametrize("between", [" ", ",", ", ", "\n", " ,\t"])
def test_keys_are_read_from_a_setting_in_their_order(between: str) -> None:
    read = parse_keys(f"2027-01:{text(NEW)}{between}2026.b_1:{text(OLD)}")
    assert list(read.items()) == [("2027-01", NEW), ("2026.b_1", OLD)]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("", "no key is given"),
        (" , ", "no key is given"),
        (text(OLD), "entry 1 is not written NAME:BASE64"),
        (f"a:{text(OLD)} ä:{text(NEW)}", "entry 2 is not written"),
        (f"{'n' * 33}:{text(OLD)}", "entry 1 is not written"),
        ("a:not/base64!", "a is no base64 of 32 bytes"),
        (f"a:{text(OLD)[:5]}!{text(OLD)[5:]}", "a is no base64 of 32 bytes"),
        (f"a:{text(OLD[:31])}", "a is no base64 of 32 bytes"),
        (f"a:{text(OLD)} a:{text(NEW)}", "a comes twice"),
        ("a:x b:y oops", "a is no base64.*; b is no base64.*; entry 3 is not"),
    ],
)
def test_a_setting_that_cannot_be_read_says_all_problems_and_no_key(setting: str, message: str) -> None:
    with pytest.raises(BadKeys, match=message) as refused:
        parse_keys(setting)
    shown = "".join(traceback.format_exception_only(refused.value))
    for secret in (text(OLD), text(NEW), text(OLD[:31]), "not/base64"):
        assert secret not in shown


def test_nothing_secret_is_shown_and_a_vault_is_not_pickled() -> None:
    one = vault()
    sealed = one.seal(SECRET, IMSI)
    with pytest.raises(NotOpened) as refused:
        one.open(sealed, OTHER_IMSI)
    shown = f"{one} {one!r} {refused.value!r}"
    assert refused.value.__suppress_context__
    for secret in (OLD, SECRET, IMSI, OTHER_IMSI):
        assert repr(secret)[2:-1] not in shown
        assert secret.hex() not in shown
    with pytest.raises(VaultError):
        pickle.dumps(one)
