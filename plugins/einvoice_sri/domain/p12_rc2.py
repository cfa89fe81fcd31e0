"""RC2 in CBC mode, decryption only (RFC 2268): the certificates of "legacy" P12 files.

No maintained library offers the 40-bit form any more. Files are a few kilobytes, so plain Python is
fast enough (about 10 microseconds a block).
"""

from __future__ import annotations

import struct

_PITABLE = bytes.fromhex(
    "d978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2"
    "179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82"
    "54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626"
    "6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7"
    "08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec"
    "c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731"
    "2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9"
    "0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad"
)


def rc2_schedule(key: bytes, effective_bits: int) -> tuple[int, ...]:
    """The 64 words of a key (RFC 2268 section 2)."""
    table = bytearray(128)
    table[: len(key)] = key
    for at in range(len(key), 128):
        table[at] = _PITABLE[(table[at - 1] + table[at - len(key)]) & 255]
    count = (effective_bits + 7) // 8
    table[128 - count] = _PITABLE[table[128 - count] & (255 >> (8 * count - effective_bits))]
    for at in range(127 - count, -1, -1):
        table[at] = _PITABLE[table[at + 1] ^ table[at + count]]
    return struct.unpack("<64H", table)


def rc2_block_decrypt(schedule: tuple[int, ...], block: bytes) -> bytes:
    """One block of eight bytes."""
    a, b, c, d = struct.unpack("<4H", block)
    for at in range(60, -1, -4):
        d = ((d >> 5 | d << 11) & 0xFFFF) - (a & ~c) - (c & b) - schedule[at + 3] & 0xFFFF
        c = ((c >> 3 | c << 13) & 0xFFFF) - (d & ~b) - (b & a) - schedule[at + 2] & 0xFFFF
        b = ((b >> 2 | b << 14) & 0xFFFF) - (c & ~a) - (a & d) - schedule[at + 1] & 0xFFFF
        a = ((a >> 1 | a << 15) & 0xFFFF) - (b & ~d) - (d & c) - schedule[at] & 0xFFFF
        if at in {44, 20}:
            d = d - schedule[c & 63] & 0xFFFF
            c = c - schedule[b & 63] & 0xFFFF
            b = b - schedule[a & 63] & 0xFFFF
            a = a - schedule[d & 63] & 0xFFFF
    return struct.pack("<4H", a, b, c, d)


def rc2_cbc_decrypt(
    key: bytes, iv: bytes, data: bytes, *, effective_bits: int | None = None
) -> bytes:
    """Decrypt whole blocks; the effective bits are the key's length unless told otherwise."""
    schedule = rc2_schedule(key, 8 * len(key) if effective_bits is None else effective_bits)
    out = bytearray()
    before = iv
    for at in range(0, len(data), 8):
        block = data[at : at + 8]
        plain = rc2_block_decrypt(schedule, block)
        out += bytes(one ^ other for one, other in zip(plain, before, strict=True))
        before = block
    return bytes(out)
