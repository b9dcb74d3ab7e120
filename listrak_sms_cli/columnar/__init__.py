"""Columns of cells: text, dictionary-encoded text, numbers and masks, and the compiled loops over their bytes.

Nothing here knows what a phone, a profile field or Listrak is. Change it to make a loop faster or to add one that
several rooms need; a rule about members belongs to `audience`.
"""

from typing import TYPE_CHECKING

from listrak_sms_cli.faces import on_demand

if TYPE_CHECKING:
    from listrak_sms_cli.columnar.compute import *
    from listrak_sms_cli.columnar.dictionaries import *
    from listrak_sms_cli.columnar.kernels import *
    from listrak_sms_cli.columnar.parallel import *
    from listrak_sms_cli.columnar.strings import *

__all__, __getattr__ = on_demand(
    __name__,
    compute="pc",
    dictionaries="Column Places decoded decoded_with_nulls dictionary_encoded empty_cells used_words words_and_places",
    kernels="CellDigits DigitTrie Measures NumberIndex NumberSet TrieLayout Words cells_among classes_at_ends "
    "count_byte count_each_byte digest_cells find_byte longest_word look_up mark_repeated measure_cells mix_numbers "
    "read_cells read_digits write_csv_lines write_new_csv_lines write_numbers",
    parallel="ahead in_order",
    strings="Bytes Integers Mask Raw blanked booleans column_at column_of column_of_numbers distinct fixed_column "
    "indices integers keep_bytes mask_of matches nulls_as_empty numbers_of raw replace_cells replace_matches select "
    "string_column trimmed",
)
