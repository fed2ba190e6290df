/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The newc format: a header of 110 characters (magic and thirteen 8-digit hexadecimal fields), the name
 * with its NUL, padding to 4 bytes, the data, padding to 4 bytes.  "TRAILER!!!" ends an archive.
 */
#include <kernel/cpio.h>

#include <kernel/string.h>

#define HEADER_SIZE 110
#define FIELD_COUNT 13
#define NAME_LIMIT  4096 /* with its NUL */

enum field {
	F_INO,
	F_MODE,
	F_UID,
	F_GID,
	F_NLINK,
	F_MTIME,
	F_FILESIZE,
	F_DEVMAJOR,
	F_DEVMINOR,
	F_RDEVMAJOR,
	F_RDEVMINOR,
	F_NAMESIZE,
	F_CHECK
};

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool parse_field(const uint8_t *text, uint32_t *out)
{
	uint32_t value = 0;

	for (int i = 0; i < 8; i++) {
		int digit = hex_digit(text[i]);

		if (digit < 0)
			return false;
		value = value << 4 | (uint32_t)digit;
	}
	*out = value;
	return true;
}

static enum cpio_result damaged(struct cpio_reader *reader, const char *reason)
{
	reader->reason = reason;
	return CPIO_DAMAGED;
}

static size_t padded(size_t n)
{
	return ALIGN_UP(n, 4);
}

static void skip_zeros(struct cpio_reader *reader)
{
	while (reader->offset < reader->len && reader->base[reader->offset] == 0)
		reader->offset++;
}

static void fill_entry(struct cpio_entry *entry, const uint32_t *field)
{
	entry->size = field[F_FILESIZE];
	entry->ino = field[F_INO];
	entry->mode = field[F_MODE];
	entry->uid = field[F_UID];
	entry->gid = field[F_GID];
	entry->nlink = field[F_NLINK];
	entry->mtime = field[F_MTIME];
	entry->dev_major = field[F_DEVMAJOR];
	entry->dev_minor = field[F_DEVMINOR];
	entry->rdev_major = field[F_RDEVMAJOR];
	entry->rdev_minor = field[F_RDEVMINOR];
}

void cpio_init(struct cpio_reader *reader, const void *archive, size_t len)
{
	reader->base = archive;
	reader->len = len;
	reader->offset = 0;
	reader->reason = NULL;
}

enum cpio_result cpio_next(struct cpio_reader *reader, struct cpio_entry *entry)
{
	uint32_t field[FIELD_COUNT];
	const uint8_t *header;
	size_t left, name_end, data_end;

	skip_zeros(reader);
	left = reader->len - reader->offset;
	if (left == 0)
		return CPIO_END;
	header = reader->base + reader->offset;
	if (left < HEADER_SIZE)
		return damaged(reader, "a header is cut off");
	if (memcmp(header, "07070", 5) != 0 || (header[5] != '1' && header[5] != '2'))
		return damaged(reader, "no newc header where one should be");
	for (size_t i = 0; i < FIELD_COUNT; i++)
		if (!parse_field(header + 6 + i * 8, &field[i]))
			return damaged(reader, "a header field is no number");
	if (field[F_NAMESIZE] < 2 || field[F_NAMESIZE] > NAME_LIMIT)
		return damaged(reader, "a name is empty or too long");
	/* All sizes are below 2^33 here, so these sums cannot wrap. */
	name_end = HEADER_SIZE + (size_t)field[F_NAMESIZE];
	if (name_end > left)
		return damaged(reader, "a name is cut off");
	data_end = padded(name_end) + field[F_FILESIZE];
	if (data_end > left)
		return damaged(reader, "a file's contents are cut off");
	entry->name = (const char *)header + HEADER_SIZE;
	/* More than one NUL behind it: padding, which aligns the data. */
	entry->name_len = strnlen(entry->name, field[F_NAMESIZE]);
	if (entry->name_len == 0 || entry->name[field[F_NAMESIZE] - 1] != '\0')
		return damaged(reader, "a name does not end where its length says");
	entry->data = header + padded(name_end);
	fill_entry(entry, field);
	/* Only the last file's padding may be missing. */
	reader->offset += MIN(padded(data_end), left);
	if (strcmp(entry->name, "TRAILER!!!") == 0)
		return CPIO_TRAILER;
	return CPIO_ENTRY;
}
