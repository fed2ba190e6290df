/* SPDX-License-Identifier: BSD-2-Clause */
/* printf formatting: a directive is parsed into a struct spec, then one function per kind emits it. */
#include <kernel/format.h>

#include <kernel/string.h>

struct sink {
	char *buf;
	size_t size;
	size_t len; /* of the whole text, also where it no longer fits */
};

struct spec {
	bool left, zero, plus, space, alt;
	int width;
	int precision; /* -1: none */
	int length;    /* bytes of the integer argument */
};

static void put(struct sink *s, char c)
{
	if (s->len + 1 < s->size)
		s->buf[s->len] = c;
	s->len++;
}

static void put_repeat(struct sink *s, char c, int n)
{
	while (n-- > 0)
		put(s, c);
}

static void put_text(struct sink *s, const char *text, size_t len, const struct spec *spec)
{
	int pad = spec->width - (int)len;

	if (!spec->left)
		put_repeat(s, ' ', pad);
	for (size_t i = 0; i < len; i++)
		put(s, text[i]);
	if (spec->left)
		put_repeat(s, ' ', pad);
}

static void put_number(struct sink *s, uint64_t value, bool negative, unsigned base, bool upper,
		       const struct spec *spec)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[24], prefix[3];
	int n = 0, prefix_len = 0, zeros, pad;

	if (negative)
		prefix[prefix_len++] = '-';
	else if (spec->plus)
		prefix[prefix_len++] = '+';
	else if (spec->space)
		prefix[prefix_len++] = ' ';
	if (spec->alt && base == 16 && value) {
		prefix[prefix_len++] = '0';
		prefix[prefix_len++] = upper ? 'X' : 'x';
	}
	for (; value; value /= base)
		text[n++] = digits[value % base];
	if (n == 0 && spec->precision != 0)
		text[n++] = '0';
	if (spec->alt && base == 8 && (n == 0 || text[n - 1] != '0'))
		text[n++] = '0';

	zeros = spec->precision - n;
	if (spec->precision < 0 && spec->zero && !spec->left)
		zeros = spec->width - n - prefix_len;
	zeros = MAX(zeros, 0);
	pad = spec->width - prefix_len - zeros - n;

	if (!spec->left)
		put_repeat(s, ' ', pad);
	for (int i = 0; i < prefix_len; i++)
		put(s, prefix[i]);
	put_repeat(s, '0', zeros);
	while (n)
		put(s, text[--n]);
	if (spec->left)
		put_repeat(s, ' ', pad);
}

static const char *parse_flags(const char *f, struct spec *spec)
{
	for (;; f++) {
		switch (*f) {
		case '-':
			spec->left = true;
			break;
		case '0':
			spec->zero = true;
			break;
		case '+':
			spec->plus = true;
			break;
		case ' ':
			spec->space = true;
			break;
		case '#':
			spec->alt = true;
			break;
		default:
			return f;
		}
	}
}

static const char *parse_digits(const char *f, int *out)
{
	int n = 0;

	for (; *f >= '0' && *f <= '9'; f++)
		n = n < 100000 ? n * 10 + (*f - '0') : n;
	*out = n;
	return f;
}

static const char *parse_length(const char *f, struct spec *spec)
{
	spec->length = sizeof(int);
	switch (*f) {
	case 'h':
		spec->length = f[1] == 'h' ? sizeof(char) : sizeof(short);
		return f + (f[1] == 'h' ? 2 : 1);
	case 'l':
		spec->length = sizeof(long);
		return f + (f[1] == 'l' ? 2 : 1);
	case 'z':
	case 't':
	case 'j':
		spec->length = sizeof(long);
		return f + 1;
	default:
		return f;
	}
}

static uint64_t cut_unsigned(uint64_t v, int length)
{
	return length == 8 ? v : v & ((1ull << (length * 8)) - 1);
}

static int64_t cut_signed(uint64_t v, int length)
{
	int shift = 64 - length * 8;

	return (int64_t)(v << shift) >> shift;
}

/* What stands between '%' and the letter; returns the place of the letter. */
static const char *parse_spec(const char *f, struct spec *spec, va_list *args)
{
	f = parse_flags(f, spec);
	if (*f == '*') {
		spec->width = va_arg(*args, int);
		if (spec->width < 0) {
			spec->left = true;
			spec->width = -spec->width;
		}
		f++;
	} else {
		f = parse_digits(f, &spec->width);
	}
	if (*f == '.' && f[1] == '*') {
		spec->precision = va_arg(*args, int);
		f += 2;
	} else if (*f == '.') {
		f = parse_digits(f + 1, &spec->precision);
	}
	return parse_length(f, spec);
}

static void put_signed(struct sink *s, const struct spec *spec, va_list *args)
{
	uint64_t value = spec->length == 8 ? va_arg(*args, uint64_t) : (uint64_t)va_arg(*args, int);
	int64_t number = cut_signed(value, spec->length);

	put_number(s, number < 0 ? -(uint64_t)number : (uint64_t)number, number < 0, 10, false, spec);
}

static void put_unsigned(struct sink *s, char letter, struct spec *spec, va_list *args)
{
	uint64_t value = spec->length == 8 ? va_arg(*args, uint64_t) : va_arg(*args, unsigned);
	unsigned base = letter == 'u' ? 10 : letter == 'o' ? 8 : 16;

	spec->plus = spec->space = false;
	put_number(s, cut_unsigned(value, spec->length), false, base, letter == 'X', spec);
}

static void put_string(struct sink *s, const char *text, const struct spec *spec)
{
	text = text ? text : "(null)";
	put_text(s, text, spec->precision >= 0 ? strnlen(text, (size_t)spec->precision) : strlen(text), spec);
}

static void put_directive(struct sink *s, char letter, struct spec *spec, va_list *args)
{
	switch (letter) {
	case 'd':
	case 'i':
		put_signed(s, spec, args);
		break;
	case 'u':
	case 'x':
	case 'X':
	case 'o':
		put_unsigned(s, letter, spec, args);
		break;
	case 'p':
		spec->alt = true;
		put_number(s, (uintptr_t)va_arg(*args, void *), false, 16, false, spec);
		break;
	case 'c':
		put_text(s, &(char){ (char)va_arg(*args, int) }, 1, spec);
		break;
	case 's':
		put_string(s, va_arg(*args, const char *), spec);
		break;
	case '%':
		put(s, '%');
		break;
	default:
		put(s, '%');
		put(s, letter);
	}
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
	struct sink s = { buf, size, 0 };
	va_list rest; /* a copy, because the parameter may be a pointer in disguise */

	va_copy(rest, args);
	for (const char *f = fmt; *f; f++) {
		struct spec spec = { .precision = -1 };

		if (*f != '%') {
			put(&s, *f);
			continue;
		}
		f = parse_spec(f + 1, &spec, &rest);
		if (*f == '\0')
			break;
		put_directive(&s, *f, &spec, &rest);
	}
	va_end(rest);
	if (size)
		buf[MIN(s.len, size - 1)] = '\0';
	return (int)s.len;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(buf, size, fmt, args);
	va_end(args);
	return len;
}

int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(buf, size, fmt, args);
	va_end(args);
	return size == 0 ? 0 : MIN(len, (int)size - 1);
}
