/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: loader/elf.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <elf.h>

#include <loader/elf.h>

#define VIRT      0xffffffff80000000ull
#define PHYS      0x200000ull
#define FILE_SIZE 0x3000u

/* A small correct kernel: text, rodata and data with .bss, a page each; tests break one thing. */
struct sample {
	uint8_t bytes[FILE_SIZE];
};

static struct elf_image image;
static const char *why;

static Elf64_Ehdr *header(struct sample *s)
{
	return (Elf64_Ehdr *)s->bytes;
}

static Elf64_Phdr *segment(struct sample *s, unsigned int i)
{
	return (Elf64_Phdr *)(s->bytes + sizeof(Elf64_Ehdr)) + i;
}

static void put_segment(struct sample *s, unsigned int i, uint32_t flags, uint64_t filesz, uint64_t memsz)
{
	*segment(s, i) = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = flags,
		.p_offset = i * 0x1000,
		.p_vaddr = VIRT + PHYS + i * 0x1000,
		.p_paddr = PHYS + i * 0x1000,
		.p_filesz = filesz,
		.p_memsz = memsz,
		.p_align = 0x1000,
	};
}

static struct sample *good(void)
{
	static struct sample s;

	for (size_t i = 0; i < sizeof(s.bytes); i++)
		s.bytes[i] = (uint8_t)(i * 7 + 1);
	*header(&s) = (Elf64_Ehdr){
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_DYN,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_entry = VIRT + PHYS + 0x400,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 3,
	};
	put_segment(&s, 0, PF_R | PF_X, 0x1000, 0x1000);
	put_segment(&s, 1, PF_R, 0x800, 0x800);
	put_segment(&s, 2, PF_R | PF_W, 0x100, 0x5000);
	return &s;
}

static int check_bytes(const void *bytes, size_t size)
{
	void *exact = malloc(size ? size : 1); /* so that the sanitizer sees a read behind the file */
	int err;

	memcpy(exact, bytes, size);
	err = elf_check(exact, size, &image, &why);
	free(exact);
	return err;
}

static void assert_refused(struct sample *s, const char *reason)
{
	assert_true(check_bytes(s->bytes, FILE_SIZE) < 0);
	assert_string_equal(why, reason);
}

static void a_good_kernel_is_laid_out(void **state)
{
	struct sample *s = good();

	(void)state;
	assert_int_equal(check_bytes(s->bytes, FILE_SIZE), 0);
	assert_int_equal(image.segment_count, 3);
	assert_int_equal(image.size, 0x7000);
	assert_int_equal(image.entry, 0x400);
	assert_int_equal(image.segments[2].offset, 0x2000);
	assert_int_equal(image.segments[2].file_size, 0x100);
	assert_int_equal(image.segments[2].mem_size, 0x5000);
}

static void placing_copies_and_clears_everything(void **state)
{
	struct sample *s = good();
	uint8_t *to;

	(void)state;
	assert_int_equal(check_bytes(s->bytes, FILE_SIZE), 0);
	to = malloc(image.size);
	memset(to, 0xaa, image.size);
	elf_place(&image, s->bytes, to);
	assert_memory_equal(to, s->bytes, 0x1800);
	assert_memory_equal(to + 0x2000, s->bytes + 0x2000, 0x100);
	for (size_t i = 0x1800; i < 0x2000; i++)
		assert_int_equal(to[i], 0);
	for (size_t i = 0x2100; i < 0x7000; i++)
		assert_int_equal(to[i], 0);
	free(to);
}

static void a_low_segment_counts_from_its_2_mib_boundary(void **state)
{
	struct sample *s = good();

	(void)state;
	for (unsigned int i = 0; i < 3; i++)
		segment(s, i)->p_paddr += 0x10000; /* the virtual addresses may stay */
	assert_int_equal(check_bytes(s->bytes, FILE_SIZE), 0);
	assert_int_equal(image.segments[0].offset, 0x10000);
	assert_int_equal(image.entry, 0x10400);
}

static void every_truncation_is_refused(void **state)
{
	struct sample *s = good();

	(void)state;
	for (size_t size = 0; size < 0x2100; size++)
		assert_true(check_bytes(s->bytes, size) < 0);
	assert_int_equal(check_bytes(s->bytes, 0x2100), 0);
}

static void wrong_headers_are_refused(void **state)
{
	struct sample *s;

	(void)state;
	s = good(), s->bytes[0] = 0;
	assert_refused(s, "not a 64-bit little-endian ELF file");
	s = good(), s->bytes[EI_CLASS] = ELFCLASS32;
	assert_refused(s, "not a 64-bit little-endian ELF file");
	s = good(), header(s)->e_machine = EM_386;
	assert_refused(s, "not for x86-64");
	s = good(), header(s)->e_type = ET_REL;
	assert_refused(s, "neither an executable nor position independent");
	s = good(), header(s)->e_phentsize = 32;
	assert_refused(s, "unknown ELF header layout");
	s = good(), header(s)->e_phnum = 0;
	assert_refused(s, "not 1 to 32 program headers");
	s = good(), header(s)->e_phnum = 33;
	assert_refused(s, "not 1 to 32 program headers");
	s = good(), header(s)->e_phoff = UINT64_MAX - 8;
	assert_refused(s, "program headers outside the file");
	s = good(), header(s)->e_phoff = FILE_SIZE - 3 * sizeof(Elf64_Phdr) + 1;
	assert_refused(s, "program headers outside the file");
}

static void wrong_segments_are_refused(void **state)
{
	struct sample *s;

	(void)state;
	s = good(), segment(s, 1)->p_memsz = 0x7ff;
	assert_refused(s, "segment larger in the file than in memory");
	s = good(), segment(s, 2)->p_offset = FILE_SIZE;
	assert_refused(s, "segment outside the file");
	s = good(), segment(s, 2)->p_offset = UINT64_MAX - 0x7f;
	assert_refused(s, "segment outside the file");
	s = good(), segment(s, 2)->p_memsz = UINT64_MAX;
	assert_refused(s, "segment address wraps");
	s = good(), segment(s, 2)->p_paddr = UINT64_MAX - 0x1000;
	assert_refused(s, "segment address wraps");
	s = good(), segment(s, 0)->p_flags = PF_R | PF_W | PF_X;
	assert_refused(s, "segment both writable and executable");
	s = good(), segment(s, 0)->p_memsz = 0x1001;
	assert_refused(s, "read-only segment not all in the file");
	s = good(), segment(s, 0)->p_memsz = segment(s, 0)->p_filesz = 0x1001;
	assert_refused(s, "segments overlap or are out of order");
	s = good(), segment(s, 2)->p_paddr = PHYS - 0x1000;
	assert_refused(s, "segments overlap or are out of order");
	s = good(), segment(s, 1)->p_vaddr -= 0x1000;
	assert_refused(s, "segments do not move as one");
	s = good(), segment(s, 2)->p_paddr += 0x1000;
	assert_refused(s, "segments do not move as one");
	s = good(), segment(s, 1)->p_offset += 8;
	assert_refused(s, "segment's place in the file does not match its address");
	s = good(), segment(s, 2)->p_type = PT_NULL;
	assert_refused(s, "program header of an unknown kind");
	s = good(), segment(s, 2)->p_type = PT_INTERP;
	assert_refused(s, "program header of an unknown kind");
	s = good(), segment(s, 2)->p_memsz = ELF_WINDOW;
	assert_refused(s, "image larger than 64 MiB");
	s = good(), segment(s, 0)->p_type = segment(s, 1)->p_type = segment(s, 2)->p_type = PT_NOTE;
	assert_refused(s, "nothing to load");
}

static void the_entry_must_be_code_from_the_file(void **state)
{
	struct sample *s;

	(void)state;
	s = good(), header(s)->e_entry = PHYS + 0x400; /* physical, not virtual */
	assert_refused(s, "entry point outside the executable segments");
	s = good(), header(s)->e_entry = VIRT + PHYS + 0x1000; /* rodata */
	assert_refused(s, "entry point outside the executable segments");
	s = good(), header(s)->e_entry = VIRT + PHYS - 1;
	assert_refused(s, "entry point outside the executable segments");
	s = good(), segment(s, 0)->p_filesz = segment(s, 0)->p_memsz = 0x400; /* one byte behind */
	assert_refused(s, "entry point outside the executable segments");
}

static void the_largest_window_is_accepted(void **state)
{
	struct sample *s = good();

	(void)state;
	segment(s, 2)->p_memsz = ELF_WINDOW - 0x2000;
	assert_int_equal(check_bytes(s->bytes, FILE_SIZE), 0);
	assert_int_equal(image.size, ELF_WINDOW);
	segment(s, 2)->p_memsz++;
	assert_refused(s, "image larger than 64 MiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_kernel_is_laid_out),
		cmocka_unit_test(placing_copies_and_clears_everything),
		cmocka_unit_test(a_low_segment_counts_from_its_2_mib_boundary),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(wrong_headers_are_refused),
		cmocka_unit_test(wrong_segments_are_refused),
		cmocka_unit_test(the_entry_must_be_code_from_the_file),
		cmocka_unit_test(the_largest_window_is_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
