"""What the numbers in a column of phones stand for, and what the entries of the prefix cache mean.

A phone is an int64: its E.164 digits, MISSING or INVALID. UNDECIDED and UNREAD never leave this room.

For each shape of a number (how many digits, with or without a plus) the prefix cache has a trie by first digits, which
`look_up` of `columnar` reads as PREFIX_TRIE says:

    entry     what is known of all numbers that begin so          result for each of them
    -1 - n    it depends on the next two digits                   that of the entry they choose in block n
    0         nothing yet: the parser has to read them            UNREAD
    1         they are invalid                                    INVALID
    2         only libphonenumber itself can read them            UNDECIDED
    3 + n     they are valid                                      E.164 digits: the number itself + shift n
"""

from __future__ import annotations

from listrak_sms_cli.columnar import TrieLayout

MISSING = 0  # nothing visible in the cell
INVALID = -1
UNDECIDED = -2  # only libphonenumber itself can read the spelling
UNREAD = 0  # of a number: its first digits are new to the prefix cache
MOST_DIGITS = 18  # that fit into int64; E.164 allows 15

PREFIX_TRIE = TrieLayout(root_digits=5, block_digits=2, results=(UNREAD, INVALID, UNDECIDED), without_shape=UNDECIDED)
