/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DEFLATE and gzip.  Codes up to FAST_BITS long are decoded by one table look-up; longer ones bit by
 * bit, from the number of codes of each length (RFC 1951, 3.2.2).  Input bits are kept in a 64-bit
 * buffer; past the input's end zero bits are supplied and the shortage is noticed afterwards, so that
 * the inner loop has one check.
 */
#include <kernel/inflate.h>

#include <kernel/string.h>

#define MAX_BITS     15
#define FAST_BITS    10
#define MAX_LITLEN   288
#define MAX_DIST     32
#define END_OF_BLOCK 256

struct huffman {
	uint16_t fast[1 << FAST_BITS]; /* symbol << 4 | length; 0: longer, or no such code */
	uint16_t count[MAX_BITS + 1];
	uint16_t symbol[MAX_LITLEN]; /* by code */
};

struct inflate_state {
	struct huffman litlen, dist;
	uint8_t lengths[MAX_LITLEN + MAX_DIST];

	const uint8_t *in;
	size_t in_len, in_pos;
	uint64_t bits;
	unsigned bit_count;
	unsigned missing; /* zero bytes supplied past the end */

	uint8_t *out; /* NULL: only count */
	size_t out_size, out_len;
};

static const uint16_t length_base[29] = { 3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
					  31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258 };
static const uint8_t length_extra[29] = { 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
					  2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0 };
static const uint16_t dist_base[30] = { 1,    2,    3,    4,    5,    7,    9,    13,    17,    25,
					33,   49,   65,   97,   129,  193,  257,  385,   513,   769,
					1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577 };
static const uint8_t dist_extra[30] = { 0, 0, 0, 0, 1, 1, 2, 2,  3,  3,  4,  4,  5,  5,  6,
					6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13 };

size_t inflate_state_size(void)
{
	return sizeof(struct inflate_state);
}

/* --- bits -------------------------------------------------------------------------------------------- */

static void refill(struct inflate_state *s)
{
	while (s->bit_count <= 56) {
		if (s->in_pos < s->in_len)
			s->bits |= (uint64_t)s->in[s->in_pos++] << s->bit_count;
		else
			s->missing++;
		s->bit_count += 8;
	}
}

/* At most 32 bits; the caller refills often enough. */
static uint32_t take(struct inflate_state *s, unsigned n)
{
	uint32_t value = (uint32_t)(s->bits & ((1ull << n) - 1));

	s->bits >>= n;
	s->bit_count -= n;
	return value;
}

/* Were bits used that the input does not have? */
static bool overrun(const struct inflate_state *s)
{
	return s->missing * 8 > s->bit_count;
}

/* Drop the rest of the current byte and give back what was read ahead. */
static void align_to_byte(struct inflate_state *s)
{
	take(s, s->bit_count % 8);
	s->in_pos -= s->bit_count / 8 - MIN(s->missing, s->bit_count / 8);
	s->missing = 0;
	s->bits = 0;
	s->bit_count = 0;
}

/* --- codes ------------------------------------------------------------------------------------------- */

static uint32_t reverse(uint32_t code, unsigned len)
{
	uint32_t out = 0;

	while (len-- > 0) {
		out = out << 1 | (code & 1);
		code >>= 1;
	}
	return out;
}

static void fill_fast(struct huffman *h, uint32_t code, unsigned len, unsigned symbol)
{
	if (len > FAST_BITS)
		return;
	for (uint32_t i = reverse(code, len); i < 1u << FAST_BITS; i += 1u << len)
		h->fast[i] = (uint16_t)(symbol << 4 | len);
}

/* Build the decoder from the code lengths.  False: more codes than fit, or (unless it is a single code)
 * fewer than all. */
static bool build(struct huffman *h, const uint8_t *lengths, unsigned n)
{
	uint16_t offset[MAX_BITS + 2];
	uint32_t next_code[MAX_BITS + 2];
	int32_t left = 1;
	unsigned used = 0;

	memset(h->fast, 0, sizeof(h->fast));
	memset(h->count, 0, sizeof(h->count));
	for (unsigned i = 0; i < n; i++)
		h->count[lengths[i]]++;
	used = n - h->count[0];
	h->count[0] = 0;
	offset[1] = 0;
	next_code[1] = 0;
	for (unsigned len = 1; len <= MAX_BITS; len++) {
		left = left * 2 - h->count[len];
		if (left < 0)
			return false;
		offset[len + 1] = (uint16_t)(offset[len] + h->count[len]);
		next_code[len + 1] = (next_code[len] + h->count[len]) << 1;
	}
	if (left > 0 && used > 1)
		return false;
	for (unsigned i = 0; i < n; i++) {
		unsigned len = lengths[i];

		if (len == 0)
			continue;
		h->symbol[offset[len]++] = (uint16_t)i;
		fill_fast(h, next_code[len]++, len, i);
	}
	return true;
}

/* A symbol, or -1 for a code that does not exist. */
static int decode_slow(struct inflate_state *s, const struct huffman *h)
{
	int32_t code = 0, first = 0, index = 0;

	for (unsigned len = 1; len <= MAX_BITS; len++) {
		code |= (int32_t)take(s, 1);
		if (code - first < h->count[len])
			return h->symbol[index + code - first];
		index += h->count[len];
		first = (first + h->count[len]) << 1;
		code <<= 1;
	}
	return -1;
}

static int decode(struct inflate_state *s, const struct huffman *h)
{
	uint16_t entry = h->fast[s->bits & ((1u << FAST_BITS) - 1)];

	if (entry == 0)
		return decode_slow(s, h);
	take(s, entry & 15);
	return entry >> 4;
}

/* --- output ------------------------------------------------------------------------------------------ */

static bool put_literal(struct inflate_state *s, uint8_t byte)
{
	if (s->out_len == s->out_size)
		return false;
	if (s->out)
		s->out[s->out_len] = byte;
	s->out_len++;
	return true;
}

static enum inflate_result put_match(struct inflate_state *s, size_t distance, size_t len)
{
	if (distance > s->out_len)
		return INFLATE_DAMAGED;
	if (len > s->out_size - s->out_len)
		return INFLATE_NO_SPACE;
	if (s->out) {
		uint8_t *to = s->out + s->out_len;
		const uint8_t *from = to - distance;

		/* Byte by byte where the two overlap: that is how runs are written. */
		if (distance >= len)
			memcpy(to, from, len);
		else
			for (size_t i = 0; i < len; i++)
				to[i] = from[i];
	}
	s->out_len += len;
	return INFLATE_OK;
}

/* --- blocks ------------------------------------------------------------------------------------------ */

static enum inflate_result stored_block(struct inflate_state *s)
{
	size_t len, complement;

	align_to_byte(s);
	if (s->in_len - s->in_pos < 4)
		return INFLATE_TRUNCATED;
	len = s->in[s->in_pos] | (size_t)s->in[s->in_pos + 1] << 8;
	complement = s->in[s->in_pos + 2] | (size_t)s->in[s->in_pos + 3] << 8;
	s->in_pos += 4;
	if ((len ^ complement) != 0xffff)
		return INFLATE_DAMAGED;
	if (len > s->in_len - s->in_pos)
		return INFLATE_TRUNCATED;
	if (len > s->out_size - s->out_len)
		return INFLATE_NO_SPACE;
	if (s->out)
		memcpy(s->out + s->out_len, s->in + s->in_pos, len);
	s->out_len += len;
	s->in_pos += len;
	return INFLATE_OK;
}

static enum inflate_result match(struct inflate_state *s, unsigned symbol)
{
	size_t len, distance;
	int code;

	symbol -= END_OF_BLOCK + 1;
	if (symbol >= ARRAY_SIZE(length_base))
		return INFLATE_DAMAGED;
	len = length_base[symbol] + take(s, length_extra[symbol]);
	code = decode(s, &s->dist);
	if (code < 0 || code >= (int)ARRAY_SIZE(dist_base))
		return INFLATE_DAMAGED;
	distance = dist_base[code] + take(s, dist_extra[code]);
	return put_match(s, distance, len);
}

static enum inflate_result compressed_block(struct inflate_state *s)
{
	for (;;) {
		enum inflate_result result;
		int symbol;

		refill(s); /* 57 bits at least: a whole match needs 15 + 5 + 15 + 13 */
		if (overrun(s))
			return INFLATE_TRUNCATED;
		symbol = decode(s, &s->litlen);
		if (symbol < 0)
			return INFLATE_DAMAGED;
		if (symbol < END_OF_BLOCK) {
			if (!put_literal(s, (uint8_t)symbol))
				return INFLATE_NO_SPACE;
			continue;
		}
		if (symbol == END_OF_BLOCK)
			return overrun(s) ? INFLATE_TRUNCATED : INFLATE_OK;
		result = match(s, (unsigned)symbol);
		if (result != INFLATE_OK)
			return overrun(s) ? INFLATE_TRUNCATED : result;
	}
}

static bool build_fixed(struct inflate_state *s)
{
	memset(s->lengths, 8, 144);
	memset(s->lengths + 144, 9, 112);
	memset(s->lengths + 256, 7, 24);
	memset(s->lengths + 280, 8, 8);
	if (!build(&s->litlen, s->lengths, MAX_LITLEN))
		return false;
	memset(s->lengths, 5, MAX_DIST);
	return build(&s->dist, s->lengths, MAX_DIST);
}

/* The lengths of both codes, themselves run-length and Huffman coded.  The code that codes them sits in
 * s->litlen meanwhile. */
static enum inflate_result read_lengths(struct inflate_state *s, unsigned total)
{
	unsigned n = 0;

	while (n < total) {
		unsigned repeat;
		uint8_t value = 0;
		int symbol;

		refill(s);
		if (overrun(s))
			return INFLATE_TRUNCATED;
		symbol = decode(s, &s->litlen);
		if (symbol < 0)
			return INFLATE_DAMAGED;
		if (symbol < 16) {
			s->lengths[n++] = (uint8_t)symbol;
			continue;
		}
		if (symbol == 16) {
			if (n == 0)
				return INFLATE_DAMAGED;
			value = s->lengths[n - 1];
			repeat = 3 + take(s, 2);
		} else if (symbol == 17) {
			repeat = 3 + take(s, 3);
		} else {
			repeat = 11 + take(s, 7);
		}
		if (repeat > total - n)
			return INFLATE_DAMAGED;
		memset(s->lengths + n, value, repeat);
		n += repeat;
	}
	return INFLATE_OK;
}

static enum inflate_result build_dynamic(struct inflate_state *s)
{
	static const uint8_t order[19] = { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15 };
	unsigned litlens, dists, codes;
	enum inflate_result result;

	refill(s);
	litlens = take(s, 5) + 257;
	dists = take(s, 5) + 1;
	codes = take(s, 4) + 4;
	if (litlens > 286 || dists > 30)
		return INFLATE_DAMAGED;
	memset(s->lengths, 0, sizeof(order));
	for (unsigned i = 0; i < codes; i++) {
		refill(s);
		s->lengths[order[i]] = (uint8_t)take(s, 3);
	}
	if (!build(&s->litlen, s->lengths, sizeof(order)))
		return INFLATE_DAMAGED;
	result = read_lengths(s, litlens + dists);
	if (result != INFLATE_OK)
		return result;
	if (s->lengths[END_OF_BLOCK] == 0)
		return INFLATE_DAMAGED;
	if (!build(&s->dist, s->lengths + litlens, dists) || !build(&s->litlen, s->lengths, litlens))
		return INFLATE_DAMAGED;
	return INFLATE_OK;
}

static enum inflate_result block(struct inflate_state *s, unsigned type)
{
	enum inflate_result result;

	switch (type) {
	case 0:
		return stored_block(s);
	case 1:
		if (!build_fixed(s))
			return INFLATE_DAMAGED;
		return compressed_block(s);
	case 2:
		result = build_dynamic(s);
		if (result != INFLATE_OK)
			return overrun(s) ? INFLATE_TRUNCATED : result;
		return compressed_block(s);
	default:
		return INFLATE_DAMAGED;
	}
}

enum inflate_result inflate_raw(struct inflate_state *s, const void *in, size_t in_len, void *out,
				size_t out_size, size_t *in_used, size_t *out_len)
{
	bool final;

	s->in = in;
	s->in_len = in_len;
	s->in_pos = 0;
	s->bits = 0;
	s->bit_count = 0;
	s->missing = 0;
	s->out = out;
	s->out_size = out_size;
	s->out_len = 0;
	do {
		enum inflate_result result;

		refill(s);
		final = take(s, 1);
		result = block(s, take(s, 2));
		if (result != INFLATE_OK)
			return result;
	} while (!final);
	align_to_byte(s);
	*in_used = s->in_pos;
	*out_len = s->out_len;
	return INFLATE_OK;
}

/* --- gzip -------------------------------------------------------------------------------------------- */

#define GZIP_HEADER_SIZE  10
#define GZIP_TRAILER_SIZE 8
#define FLAG_HCRC         0x02
#define FLAG_EXTRA        0x04
#define FLAG_NAME         0x08
#define FLAG_COMMENT      0x10
#define FLAG_RESERVED     0xe0

/* Four bits at a time: small table, no start-up. */
uint32_t gzip_crc32(uint32_t crc, const void *data, size_t len)
{
	static const uint32_t table[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
		0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	const uint8_t *p = data;

	crc = ~crc;
	for (size_t i = 0; i < len; i++) {
		crc ^= p[i];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

bool gzip_probe(const void *in, size_t len)
{
	const uint8_t *p = in;

	return len >= 3 && p[0] == 0x1f && p[1] == 0x8b && p[2] == 8;
}

/* Skip a NUL-terminated text; 0: it does not end. */
static size_t skip_text(const uint8_t *p, size_t pos, size_t len)
{
	while (pos < len)
		if (p[pos++] == 0)
			return pos;
	return 0;
}

static enum inflate_result gzip_header(const uint8_t *p, size_t len, size_t *header_len)
{
	size_t pos = GZIP_HEADER_SIZE;
	uint8_t flags;

	if (len < GZIP_HEADER_SIZE)
		return INFLATE_TRUNCATED;
	flags = p[3];
	if (!gzip_probe(p, len) || (flags & FLAG_RESERVED))
		return INFLATE_DAMAGED;
	if (flags & FLAG_EXTRA) {
		if (len - pos < 2)
			return INFLATE_TRUNCATED;
		pos += 2 + (p[pos] | (size_t)p[pos + 1] << 8);
		if (pos > len)
			return INFLATE_TRUNCATED;
	}
	if (flags & FLAG_NAME) {
		pos = skip_text(p, pos, len);
		if (pos == 0)
			return INFLATE_TRUNCATED;
	}
	if (flags & FLAG_COMMENT) {
		pos = skip_text(p, pos, len);
		if (pos == 0)
			return INFLATE_TRUNCATED;
	}
	if (flags & FLAG_HCRC)
		pos += 2;
	if (pos > len)
		return INFLATE_TRUNCATED;
	*header_len = pos;
	return INFLATE_OK;
}

static uint32_t get_le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

enum inflate_result gzip_member(struct inflate_state *state, const void *in, size_t in_len, void *out,
				size_t out_size, size_t *in_used, size_t *out_len)
{
	const uint8_t *p = in;
	size_t start, body, length;
	enum inflate_result result = gzip_header(p, in_len, &start);

	if (result != INFLATE_OK)
		return result;
	result = inflate_raw(state, p + start, in_len - start, out, out_size, &body, &length);
	if (result != INFLATE_OK)
		return result;
	if (in_len - start - body < GZIP_TRAILER_SIZE)
		return INFLATE_TRUNCATED;
	p += start + body;
	if (get_le32(p + 4) != (uint32_t)length)
		return INFLATE_DAMAGED;
	if (out && get_le32(p) != gzip_crc32(0, out, length))
		return INFLATE_DAMAGED;
	*in_used = start + body + GZIP_TRAILER_SIZE;
	*out_len = length;
	return INFLATE_OK;
}

enum inflate_result gzip_measure(struct inflate_state *state, const void *in, size_t in_len, size_t *in_used,
				 size_t *out_len)
{
	return gzip_member(state, in, in_len, NULL, SIZE_MAX, in_used, out_len);
}

const char *inflate_error(enum inflate_result result)
{
	switch (result) {
	case INFLATE_OK:
		return "no error";
	case INFLATE_TRUNCATED:
		return "the compressed data is cut off";
	case INFLATE_DAMAGED:
		return "the compressed data is damaged";
	case INFLATE_NO_SPACE:
		return "the decompressed data does not fit";
	}
	return "unknown";
}
