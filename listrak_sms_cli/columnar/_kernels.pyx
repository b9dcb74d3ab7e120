# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Loops over the bytes of columns that would take numpy and Arrow many passes, compiled and without the GIL.

Only `kernels.py` calls these functions, and says what they do: it checks what they are given and allocates the arrays
they write to; here nothing is checked. A column is `starts` (int32) and `data` (uint8), as in `Raw`: cell i is
`data[starts[i]:starts[i + 1]]`.
"""

from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memchr, memcmp, memcpy, memset

cdef enum:
    COPIED = 16  # a cell of at most so many bytes is copied as so many: the next cell overwrites what is too much
    NEAR = 256  # numbers to look at, where the last one stood that near to the one before
    LATELY = 2048  # digests that are left out when they come again: a table that the fastest memory holds

OVERHANG = COPIED  # bytes that `write_lines` may write behind the end of the last line
REACH = NEAR  # where `find_numbers` begins


def read_digits(
    const int32_t[::1] starts,
    const uint8_t[::1] data,
    int32_t[::1] counts,
    int64_t[::1] numbers,
    uint8_t[::1] shapes,
    int most,
    Py_ssize_t longest,
):
    cdef Py_ssize_t row
    cdef const uint8_t* first = _bytes(data)
    with nogil:
        for row in range(counts.shape[0]):
            shapes[row] = _read(
                first + starts[row], starts[row + 1] - starts[row], &counts[row], &numbers[row], most, longest
            )


cdef uint8_t _read(
    const uint8_t* cell, Py_ssize_t length, int32_t* count, int64_t* number, int most, Py_ssize_t longest
) noexcept nogil:
    cdef Py_ssize_t at
    cdef uint8_t byte
    cdef int32_t digits = 0
    cdef int64_t value = 0
    cdef bint plain = length <= longest
    for at in range(length):
        byte = cell[at]
        if _is_digit(byte):
            if digits < most:
                value = value * 10 + (byte - c'0')
            digits += 1
        elif byte != c' ' and byte != c'-' and byte != c'(' and byte != c')' and byte != c'.' and byte != c'/':
            plain = plain and byte == c'+' and at == 0
    count[0] = digits
    number[0] = value
    if not plain or digits == 0 or digits > most:
        return 0
    at = length - 1
    while not _is_digit(cell[at]):
        at -= 1
    if at >= 2 and cell[at] == c'0' and (cell[at - 1] == c'.' or (cell[at - 1] == c'0' and cell[at - 2] == c'.')):
        return 0
    return <uint8_t>(digits * 2 + (cell[0] == c'+'))


cdef struct Trie:
    const int16_t* entries  # NULL: no trie for this shape
    const int64_t* shifts
    int digits

cdef uint64_t[19] POWERS
POWERS[:] = [10**power for power in range(19)]


def look_up(
    const int64_t[::1] values,
    const uint8_t[::1] shapes,
    list tries,
    int root_digits,
    int block_digits,
    const int64_t[::1] results,
    int64_t without_shape,
    int64_t[::1] numbers,
):
    """Returns how many values have the entry 0."""
    cdef Py_ssize_t row, missed = 0
    cdef int shape, left, taken
    cdef int64_t entry, fixed = results.shape[0]
    cdef uint64_t root_size, value, block_size = POWERS[block_digits]
    cdef Trie[256] by_shape  # a shape is one byte
    cdef const int16_t[::1] entries
    cdef const int64_t[::1] shifts
    memset(by_shape, 0, sizeof(by_shape))
    for shape in range(len(tries)):
        if tries[shape] is not None:
            entries, shifts, by_shape[shape].digits = tries[shape]
            by_shape[shape].entries = &entries[0]
            by_shape[shape].shifts = &shifts[0] if shifts.shape[0] else NULL
    with nogil:
        for row in range(values.shape[0]):
            shape = shapes[row]
            if shape == 0:
                numbers[row] = without_shape
                continue
            value = values[row]
            entry = 0
            if by_shape[shape].entries:
                left = max(by_shape[shape].digits - root_digits, 0)
                root_size = POWERS[by_shape[shape].digits - left]
                entry = by_shape[shape].entries[value // POWERS[left]]
                while entry < 0:
                    taken = min(left, block_digits)
                    left -= taken
                    entry = by_shape[shape].entries[
                        root_size + (-1 - entry) * block_size + value // POWERS[left] % POWERS[taken]
                    ]
            if entry < fixed:
                numbers[row] = results[entry]
                missed += entry == 0
            else:
                numbers[row] = <int64_t>value + by_shape[shape].shifts[entry - fixed]
    return missed


cdef uint8_t[200] PAIRS  # of digits
PAIRS[:] = [48 + (pair // 10, pair % 10)[place] for pair in range(100) for place in range(2)]


def write_numbers(
    const int64_t[::1] numbers, const uint8_t[::1] left_out, bint plus, int32_t[::1] starts, uint8_t[::1] text
):
    """`text` has room for 20 bytes each. Returns the bytes written."""
    cdef Py_ssize_t row
    cdef int at, size
    cdef uint64_t number
    cdef uint8_t* out = &text[0]
    with nogil:
        starts[0] = 0
        for row in range(numbers.shape[0]):
            if numbers[row] > 0:
                number = <uint64_t>numbers[row]
                if plus:
                    out[0] = c'+'
                    out += 1
                size = 11  # of most phones
                while size < 19 and number >= POWERS[size]:
                    size += 1
                while number < POWERS[size - 1]:
                    size -= 1
                size = max(size - <int>left_out[row], 0)
                at = size
                while at > 1:
                    at -= 2
                    memcpy(out + at, &PAIRS[2 * (number % 100)], 2)
                    number //= 100
                if at:
                    out[0] = <uint8_t>(c'0' + number % 10)
                out += size
            starts[row + 1] = <int32_t>(out - &text[0])
    return out - &text[0]


cdef struct Column:
    const int32_t* starts
    const int32_t* places  # which cell is that of a row; NULL: row i has cell i
    const uint8_t* cells
    const uint8_t* end
    bint special  # may hold cells that need quotes


def write_lines(
    list columns, list special, int32_t[::1] starts, uint8_t[::1] text, uint64_t seed, known, digests
):
    """`columns`: (starts, data, places or None) each, the first one without places. Only in `special` ones cells may need
    quotes. `text` has room for all cells, for each of them a delimiter, twice the bytes and two quotes of the special
    ones, and OVERHANG bytes more. A line whose digest, under `seed`, is the `known` one (uint64 a row, as `digests`) is
    written over by the next; None: all lines are left, and not digested. Returns the bytes written."""
    cdef Py_ssize_t row, rows = starts.shape[0] - 1
    cdef const uint64_t[::1] before = known
    cdef uint64_t[::1] now = digests
    cdef bint digesting = digests is not None
    cdef uint8_t* line
    cdef int number, count = len(columns)
    cdef const int32_t[::1] offsets, places
    cdef const uint8_t[::1] data
    cdef uint8_t* out = &text[0]
    cdef Column* each = <Column*> malloc(count * sizeof(Column))
    if each == NULL:
        raise MemoryError
    try:
        for number in range(count):
            offsets, data, places = columns[number]
            each[number] = Column(&offsets[0], NULL, _bytes(data), _bytes(data) + data.shape[0], special[number])
            if places is not None and rows:
                each[number].places = &places[0]
        with nogil:
            starts[0] = 0
            for row in range(rows):
                line = out
                if each[0].starts[row + 1] > each[0].starts[row]:
                    out = _copied(out, &each[0], row)
                    for number in range(1, count):
                        out[0] = c','
                        out = _copied(out + 1, &each[number], row)
                    out[0] = c'\n'
                    out += 1
                if digesting:
                    now[row] = _digest(line, out - line, seed) if out > line else 0
                    if now[row] == before[row]:
                        out = line
                starts[row + 1] = <int32_t>(out - &text[0])
    finally:
        free(each)
    return out - &text[0]


cdef inline uint8_t* _copied(uint8_t* out, const Column* column, Py_ssize_t row) noexcept nogil:
    cdef Py_ssize_t place = column.places[row] if column.places else row
    cdef Py_ssize_t length = column.starts[place + 1] - column.starts[place]
    cdef const uint8_t* cell = column.cells + column.starts[place]
    if column.special and _needs_quotes(cell, length):
        return _quoted(out, cell, length)
    if length <= COPIED and column.end - cell >= COPIED:
        memcpy(out, cell, COPIED)
    elif length:
        memcpy(out, cell, length)
    return out + length


cdef inline bint _needs_quotes(const uint8_t* cell, Py_ssize_t length) noexcept nogil:
    cdef Py_ssize_t at
    for at in range(length):
        if cell[at] == c',' or cell[at] == c'"' or cell[at] == c'\n' or cell[at] == c'\r':
            return True
    return False


cdef uint8_t* _quoted(uint8_t* out, const uint8_t* cell, Py_ssize_t length) noexcept nogil:
    cdef Py_ssize_t at
    out[0] = c'"'
    out += 1
    for at in range(length):
        if cell[at] == c'"':
            out[0] = c'"'
            out += 1
        out[0] = cell[at]
        out += 1
    out[0] = c'"'
    return out + 1


cdef extern from *:
    """
    #define MIX_STEP UINT64_C(0x9E3779B97F4A7C15)
    #define MIX_FIRST UINT64_C(0xBF58476D1CE4E5B9)
    #define MIX_SECOND UINT64_C(0x94D049BB133111EB)
    static inline uint64_t multiplied(uint64_t first, uint64_t second) {
        unsigned __int128 product = (unsigned __int128)first * second;
        return (uint64_t)product ^ (uint64_t)(product >> 64);
    }
    """
    const uint64_t MIX_STEP
    const uint64_t MIX_FIRST
    const uint64_t MIX_SECOND
    uint64_t multiplied(uint64_t first, uint64_t second) nogil


def digest_cells(const int32_t[::1] starts, const uint8_t[::1] data, uint64_t seed, uint64_t[::1] digests):
    """As wyhash: two words of 64 bits at a time are multiplied into what begins as seed and size, the last 16 bytes of the
    cell at the end."""
    cdef Py_ssize_t row, length
    cdef const uint8_t* first = _bytes(data)
    with nogil:
        for row in range(digests.shape[0]):
            length = starts[row + 1] - starts[row]
            digests[row] = _digest(first + starts[row], length, seed) if length else 0


cdef inline uint64_t _digest(const uint8_t* cell, Py_ssize_t length, uint64_t seed) noexcept nogil:
    cdef uint64_t first = 0, second = 0, total = seed ^ <uint64_t>length * MIX_STEP
    cdef Py_ssize_t at
    if length < 16:
        first = _first_bytes(cell, min(length, 8))
        if length > 8:
            second = _first_bytes(cell + 8, length - 8)
    else:
        for at in range(0, length - 16, 16):
            memcpy(&first, cell + at, 8)
            memcpy(&second, cell + at + 8, 8)
            total = multiplied(first ^ MIX_FIRST, second ^ total)
        memcpy(&first, cell + length - 16, 8)
        memcpy(&second, cell + length - 8, 8)
    return _mixed(multiplied(first ^ MIX_SECOND, second ^ total))


cdef inline uint64_t _first_bytes(const uint8_t* cell, Py_ssize_t length) noexcept nogil:
    """The first 1 to 8 bytes, the first one lowest. Two reads that overlap, for memcpy of a length that only the cell
    knows is a call."""
    cdef uint64_t whole = 0
    cdef uint32_t begin = 0, end = 0
    if length == 8:
        memcpy(&whole, cell, 8)
        return whole
    if length >= 4:
        memcpy(&begin, cell, 4)
        memcpy(&end, cell + length - 4, 4)
        return <uint64_t>begin | <uint64_t>end << 8 * (length - 4)
    return cell[0] | <uint64_t>cell[length >> 1] << 8 * (length >> 1) | <uint64_t>cell[length - 1] << 8 * (length - 1)


def add_to_set(uint64_t[::1] table, const uint64_t[::1] numbers, Py_ssize_t count, Py_ssize_t most):
    """`table` holds `count` numbers, 0 = free; its size is a power of two above `most`. Returns how many numbers were
    looked at before there were `most`, and how many the table holds now. Other threads have to wait: it takes a few
    microseconds, and to get the turn back a hundred times as long."""
    cdef Py_ssize_t row, at, last = table.shape[0] - 1
    cdef uint64_t number
    for row in range(numbers.shape[0]):
        number = numbers[row]
        at = <Py_ssize_t>(number & <uint64_t>last)
        while table[at] != 0 and table[at] != number:
            at = (at + 1) & last
        if table[at] != number:
            if count == most:
                return row, count
            table[at] = number
            count += 1
    return numbers.shape[0], count


cdef struct Measured:
    const int32_t* starts
    Py_ssize_t rows
    const uint8_t* cells
    bint digested


def measure_cells(list columns, list digested, uint64_t seed, int64_t[:, ::1] measures, uint64_t[::1] digests):
    """`columns`: (starts, data) each. `measures` gets of each how many cells are not empty, the characters of the longest,
    and where its digests end in `digests`, which has room for all cells of those `digested`: most digests that come again
    are left out. Many columns at once: with thousands of them a call each took a good part of the time."""
    cdef Py_ssize_t row, at, length, longest, characters, end = 0
    cdef int number, count = len(columns)
    cdef const int32_t[::1] starts
    cdef const uint8_t[::1] data
    cdef const uint8_t* cell
    cdef uint64_t digest
    cdef uint64_t lately[LATELY]
    cdef Measured* each = <Measured*> malloc(count * sizeof(Measured))
    if each == NULL and count:
        raise MemoryError
    try:
        for number in range(count):
            starts, data = columns[number]
            each[number] = Measured(&starts[0], starts.shape[0] - 1, _bytes(data), digested[number])
        with nogil:
            for number in range(count):
                longest = 0
                memset(lately, 0, sizeof(lately))
                for row in range(each[number].rows):
                    length = each[number].starts[row + 1] - each[number].starts[row]
                    measures[number, 0] += length > 0
                    cell = each[number].cells + each[number].starts[row]
                    if length > longest:
                        characters = 0
                        for at in range(length):
                            characters += cell[at] & 0xC0 != 0x80
                        longest = max(longest, characters)
                    if each[number].digested and length:
                        digest = _digest(cell, length, seed)
                        digests[end] = digest
                        end += lately[digest & (LATELY - 1)] != digest
                        lately[digest & (LATELY - 1)] = digest
                measures[number, 1], measures[number, 2] = longest, end
    finally:
        free(each)


def count_each(const uint8_t[::1] octets, int64_t[::1] counts):
    cdef Py_ssize_t at, size = octets.shape[0]
    cdef int lane, value
    cdef int64_t lanes[4][256]  # of every fourth byte each: neighbours are often equal, and would wait for each other
    with nogil:
        memset(lanes, 0, sizeof(lanes))
        for at in range(0, size - 3, 4):
            for lane in range(4):
                lanes[lane][octets[at + lane]] += 1
        for at in range(size - size % 4, size):
            lanes[0][octets[at]] += 1
        for value in range(256):
            for lane in range(4):
                counts[value] += lanes[lane][value]


def find_cells(
    const uint8_t[::1] octets,
    uint8_t delimiter,
    int quote,
    const int32_t[::1] places,
    int32_t[:, ::1] begins,
    int32_t[:, ::1] starts,
):
    """`places`: of each column in `begins` and `starts`, -1 for one that is not wanted. A cell begins at `begins`; one
    with doubled quotes in it at ~`begins`. Returns the rows, of which there is room for one less than `starts` has, or
    -1 where anything is unusual."""
    cdef const uint8_t* first = _bytes(octets)
    cdef const uint8_t* end = first + octets.shape[0]
    cdef const uint8_t* at = first
    cdef const uint8_t* line
    cdef const uint8_t* next_quote = first - 1
    cdef Py_ssize_t row = 0, rows = starts.shape[1] - 1
    cdef int column, width = <int>places.shape[0], wanted = 0
    cdef bint returns
    with nogil:
        for column in range(width):
            if places[column] >= 0:
                wanted = column + 1
                starts[places[column], 0] = 0
        returns = memchr(first, c'\r', end - first) != NULL
        while at < end:
            line = _find(at, c'\n', end)
            if quote < 0:
                next_quote = end
            elif next_quote < at:
                next_quote = _find(at, <uint8_t>quote, end)
            if row == rows:
                at = NULL
            elif next_quote < line:
                at = _quoted_row(first, at, end, delimiter, <uint8_t>quote, places, begins, starts, row)
            else:
                at = _plain_row(first, at, line, returns, delimiter, wanted, places, begins, starts, row)
            if at == NULL:
                row = -1
                break
            row += 1
    return row


cdef inline const uint8_t* _find(const uint8_t* at, uint8_t byte, const uint8_t* end) noexcept nogil:
    cdef const uint8_t* found = <const uint8_t*>memchr(at, byte, end - at)
    return end if found == NULL else found


cdef const uint8_t* _plain_row(
    const uint8_t* first,
    const uint8_t* at,
    const uint8_t* line,
    bint returns,
    uint8_t delimiter,
    int wanted,
    const int32_t[::1] places,
    int32_t[:, ::1] begins,
    int32_t[:, ::1] starts,
    Py_ssize_t row,
) noexcept nogil:
    """Only the first `wanted` columns are looked at one by one. Returns where the next row begins, NULL for a blank or
    ragged row, and for a CR that ends no line. No byte of the row is a quote."""
    cdef const uint8_t* stop = line
    cdef const uint8_t* cell
    cdef int column, last = <int>places.shape[0] - 1
    if returns:
        if stop > at and (stop - 1)[0] == c'\r':
            stop -= 1
        if _find(at, c'\r', stop) < stop:
            return NULL
    if stop == at:
        return NULL
    for column in range(wanted):
        cell = at
        at = _find(at, delimiter, stop)
        if (at == stop) != (column == last):
            return NULL
        if places[column] >= 0:
            begins[places[column], row] = <int32_t>(cell - first)
            starts[places[column], row + 1] = starts[places[column], row] + <int32_t>(at - cell)
        at += 1
    if wanted <= last and _count(at, stop - at, delimiter) != last - wanted:
        return NULL
    return line + 1


cdef const uint8_t* _quoted_row(
    const uint8_t* first,
    const uint8_t* at,
    const uint8_t* end,
    uint8_t delimiter,
    uint8_t quote,
    const int32_t[::1] places,
    int32_t[:, ::1] begins,
    int32_t[:, ::1] starts,
    Py_ssize_t row,
) noexcept nogil:
    """Returns where the next row begins, NULL for a blank or ragged row, for a CR that ends no line outside of quotes,
    for an open quote, and for text behind a closing one."""
    cdef const uint8_t* cell
    cdef int column, last = <int>places.shape[0] - 1
    cdef int32_t doubled, length
    for column in range(last + 1):
        doubled = 0
        if at < end and at[0] == quote:
            at += 1
            cell = at
            while True:
                at = _find(at, quote, end)
                if at == end:
                    return NULL
                if at + 1 == end or at[1] != quote:
                    break
                doubled += 1
                at += 2
            length = <int32_t>(at - cell) - doubled
            at += 1
        else:
            cell = at
            while at < end and at[0] != delimiter and at[0] != c'\n' and at[0] != c'\r':
                at += 1
            length = <int32_t>(at - cell)
        if places[column] >= 0:
            begins[places[column], row] = ~<int32_t>(cell - first) if doubled else <int32_t>(cell - first)
            starts[places[column], row + 1] = starts[places[column], row] + length
        if column < last:
            if at == end or at[0] != delimiter:
                return NULL
            at += 1
    if at < end and at[0] == c'\r':
        at += 1
        if at == end:
            return NULL
    if at < end and at[0] != c'\n':
        return NULL
    return at + 1


def copy_cells(
    const uint8_t[::1] octets, int quote, const int32_t[::1] begins, const int32_t[::1] starts, uint8_t[::1] text
):
    """`text` has room for OVERHANG bytes more than the cells have."""
    cdef const uint8_t* first = _bytes(octets)
    cdef const uint8_t* cell
    cdef uint8_t* out = &text[0]
    cdef Py_ssize_t row, at, size = octets.shape[0]
    cdef int32_t length
    with nogil:
        for row in range(starts.shape[0] - 1):
            length = starts[row + 1] - starts[row]
            if begins[row] < 0:
                cell = first + ~begins[row]
                for at in range(length):
                    out[starts[row] + at] = cell[0]
                    cell += 2 if cell[0] == quote else 1
            elif length <= COPIED and begins[row] + COPIED <= size:
                memcpy(out + starts[row], first + begins[row], COPIED)
            elif length:
                memcpy(out + starts[row], first + begins[row], length)


def count_byte(const uint8_t[::1] octets, uint8_t value):
    cdef const uint8_t* first = _bytes(octets)
    cdef Py_ssize_t total
    with nogil:
        total = _count(first, octets.shape[0], value)
    return total


cdef inline Py_ssize_t _count(const uint8_t* octets, Py_ssize_t size, uint8_t value) noexcept nogil:
    cdef Py_ssize_t start, at, total = 0
    cdef uint8_t partial
    for start in range(0, size, 128):
        partial = 0  # while the sum is one byte, the compiler adds up many at once
        for at in range(start, min(start + 128, size)):
            partial += octets[at] == value
        total += partial
    return total


def longest_word(const uint8_t[::1] octets, Py_ssize_t words):
    cdef const uint8_t* first = _bytes(octets)
    cdef Py_ssize_t at = 0, left = octets.shape[0], longest = 0
    cdef uint32_t length
    with nogil:
        while words > 0 and left >= 4:
            memcpy(&length, first + at, 4)
            if length > left - 4:
                break
            longest = max(longest, <Py_ssize_t>length)
            at += 4 + length
            left -= 4 + length
            words -= 1
    return longest if words == 0 and left == 0 else -1


def find_byte(const uint8_t[::1] octets, uint8_t value, int64_t[::1] positions):
    """`positions` has as many places as the byte occurs."""
    cdef const uint8_t* first = _bytes(octets)
    cdef const uint8_t* at = first
    cdef Py_ssize_t number
    with nogil:
        for number in range(positions.shape[0]):
            at = <const uint8_t*>memchr(at, value, octets.shape[0] - (at - first))
            positions[number] = at - first
            at += 1


def join_classes(
    const int32_t[::1] starts, const uint8_t[::1] data, const uint8_t[::1] of_first, const uint8_t[::1] of_last
):
    cdef Py_ssize_t row
    cdef uint8_t joined = 0
    with nogil:
        for row in range(starts.shape[0] - 1):
            if starts[row] < starts[row + 1]:
                joined |= of_first[data[starts[row]]] | of_last[data[starts[row + 1] - 1]]
    return joined


def find_words(
    const int32_t[::1] starts,
    const uint8_t[::1] data,
    const int32_t[::1] word_starts,
    const uint8_t[::1] word_data,
    uint8_t[::1] found,
):
    """`found` is zeros. A cell is held against the words when one of them begins as it does and is as long. Empty cells
    come in no order that a processor could learn, so nothing branches on them."""
    cdef Py_ssize_t row, length, word, last = data.shape[0] - 1, total = 0
    cdef const uint8_t* first = _bytes(data)
    cdef const uint8_t* cell
    cdef const uint8_t* words = _bytes(word_data)
    cdef uint32_t lengths[256]
    with nogil:
        memset(lengths, 0, sizeof(lengths))
        for word in range(word_starts.shape[0] - 1):
            lengths[words[word_starts[word]]] |= <uint32_t>1 << (word_starts[word + 1] - word_starts[word])
        for row in range(found.shape[0] if last >= 0 else 0):
            length = starts[row + 1] - starts[row]
            cell = first + min(<Py_ssize_t>starts[row], last)
            if (lengths[cell[0]] >> min(length, 31)) & 1:
                for word in range(word_starts.shape[0] - 1):
                    if (
                        word_starts[word + 1] - word_starts[word] == length
                        and words[word_starts[word]] == cell[0]
                        and memcmp(cell, words + word_starts[word], length) == 0
                    ):
                        found[row] = 1
                        total += 1
                        break
    return total


def mix(uint64_t[::1] numbers, const uint64_t[::1] keys):
    """In place."""
    cdef Py_ssize_t row, turn, turns = keys.shape[0] - 1
    cdef uint64_t number
    with nogil:
        for row in range(numbers.shape[0]):
            number = numbers[row]
            for turn in range(turns):
                number = _mixed(number ^ keys[turn])
            numbers[row] = number ^ keys[turns]


cdef inline uint64_t _mixed(uint64_t number) noexcept nogil:
    """One to one; every bit of the result depends on every bit of the number (SplitMix64's last steps)."""
    number = (number ^ (number >> 30)) * MIX_FIRST
    number = (number ^ (number >> 27)) * MIX_SECOND
    return number ^ (number >> 31)


def index_numbers(const uint64_t[::1] numbers, int shift, uint32_t[::1] ends, uint32_t[::1] rows):
    """Writes the rows of the numbers but 0 to `rows`, group by group; group g is the numbers whose first bits are g, and its
    rows end before `ends[g]`. `ends`: zeros, one a group."""
    cdef Py_ssize_t row, group
    cdef uint32_t total = 0, size
    with nogil:
        for row in range(numbers.shape[0]):
            if numbers[row]:
                ends[numbers[row] >> shift] += 1
        for group in range(ends.shape[0]):
            size = ends[group]
            ends[group] = total
            total += size
        for row in range(numbers.shape[0]):
            if numbers[row]:
                rows[ends[numbers[row] >> shift]] = <uint32_t>row
                ends[numbers[row] >> shift] += 1


def find_numbers(
    const uint64_t[::1] numbers,
    const uint32_t[::1] ends,
    const uint32_t[::1] rows,
    int shift,
    const uint64_t[::1] wanted,
    int64_t[::1] state,
    int64_t[::1] places,
):
    """Returns how many were looked for: without an index (no `ends`) only those before the first that is not found near the
    last. `state`: where to look on, and how far."""
    cdef Py_ssize_t turn, at, place, found, count = wanted.shape[0], begin = state[0], reach = state[1]
    cdef uint64_t number, group
    with nogil:
        for turn in range(count):
            number, found = wanted[turn], -1
            for at in range(begin, min(begin + reach, numbers.shape[0])):
                if numbers[at] == number:
                    found = at
                    break
            if found >= 0:
                reach = NEAR
            elif ends.shape[0] == 0:
                count = turn
                break
            else:
                group = number >> shift
                for place in range(ends[group - 1] if group else 0, ends[group]):
                    if numbers[rows[place]] == number:
                        found = rows[place]
                        reach = 1
                        break
            if found >= 0:
                begin = found + 1
            places[turn] = found
    state[0], state[1] = begin, reach
    return count


def count_groups(const int64_t[::1] numbers, int64_t[::1] counts):
    """Adds to `counts`, one for each of 2 ** n groups, the numbers above 0; equal numbers are in one group."""
    cdef Py_ssize_t row
    cdef int shift = _shift(counts.shape[0])
    with nogil:
        for row in range(numbers.shape[0]):
            if numbers[row] > 0:
                counts[_group(numbers[row], shift)] += 1


def sort_into_groups(
    const int64_t[::1] numbers, Py_ssize_t first, int64_t[::1] places, int64_t[::1] grouped, uint32_t[::1] rows
):
    """Writes the numbers above 0 to `grouped` and their rows, counted from `first`, to `rows`, each at the next free place
    of its group. `places`: the next free place of each group, moved on."""
    cdef Py_ssize_t row, group, place
    cdef int shift = _shift(places.shape[0])
    with nogil:
        for row in range(numbers.shape[0]):
            if numbers[row] > 0:
                group = _group(numbers[row], shift)
                place = places[group]
                places[group] = place + 1
                grouped[place] = numbers[row]
                rows[place] = <uint32_t>(first + row)


cdef inline int _shift(Py_ssize_t groups) noexcept:
    cdef int shift = 64
    while groups >> (64 - shift) > 1:
        shift -= 1
    return shift


cdef inline Py_ssize_t _group(int64_t number, int shift) noexcept nogil:
    return <Py_ssize_t>(<uint64_t>number * MIX_STEP >> shift) if shift < 64 else 0


def flag_repeated(
    const int64_t[::1] group, const uint32_t[::1] rows, bint last, uint32_t[::1] table, uint8_t[::1] flags
):
    """Sets the flags of the rows of one group whose number is repeated, but for the last (else the first) of each number.
    `table`: 2 ** n zeros, more than there are numbers."""
    cdef Py_ssize_t turn, place, count = group.shape[0]
    cdef uint64_t slot, mask = <uint64_t>table.shape[0] - 1
    with nogil:
        for turn in range(count):
            place = count - 1 - turn if last else turn
            slot = (<uint64_t>group[place] * MIX_STEP >> 20) & mask
            while table[slot] and group[table[slot] - 1] != group[place]:
                slot = (slot + 1) & mask
            if table[slot]:
                flags[rows[place]] = 1
            else:
                table[slot] = <uint32_t>place + 1


cdef inline bint _is_digit(uint8_t byte) noexcept nogil:
    return <uint8_t>(byte - c'0') < 10


cdef inline const uint8_t* _bytes(const uint8_t[::1] data) noexcept:
    return &data[0] if data.shape[0] else NULL
