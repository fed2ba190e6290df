/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: kernel/proc/elf.c */
/* Which ELF files are programs, and that nothing a damaged one claims is believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <string.h>

#include <kernel/elf.h>

#define NOEXEC (-8)
#define PHDRS  6

/* A file as a small static program has it: headers and code, read-only data, data with bss. */
struct file {
	Elf64_Ehdr e;
	Elf64_Phdr p[PHDRS];
	char rest[0x4000];
};

static struct elf_limits limits = {
	.file_size = sizeof(struct file),
	.address_end = 0x7ffffffff000,
	.page_size = 4096,
	.machine = EM_X86_64,
};

static void load(struct file *f, int i, uint32_t flags, uint64_t offset, uint64_t address, uint64_t filesz,
		 uint64_t memsz)
{
	f->p[i] = (Elf64_Phdr){ .p_type = PT_LOAD,
				.p_flags = flags,
				.p_offset = offset,
				.p_vaddr = address,
				.p_filesz = filesz,
				.p_memsz = memsz,
				.p_align = 0x1000 };
}

static struct file good(void)
{
	static struct file f;

	memset(&f, 0, sizeof(f));
	memcpy(f.e.e_ident, ELFMAG "\2\1\1", 7);
	f.e.e_type = ET_EXEC;
	f.e.e_machine = EM_X86_64;
	f.e.e_version = EV_CURRENT;
	f.e.e_entry = 0x401000;
	f.e.e_phoff = sizeof(f.e);
	f.e.e_ehsize = sizeof(f.e);
	f.e.e_phentsize = sizeof(Elf64_Phdr);
	f.e.e_phnum = PHDRS;
	load(&f, 0, PF_R, 0, 0x400000, 0x200, 0x200);
	load(&f, 1, PF_R | PF_X, 0x1000, 0x401000, 0x800, 0x800);
	load(&f, 2, PF_R | PF_W, 0x2010, 0x403010, 0x300, 0x5000);
	f.p[3].p_type = PT_NOTE;
	f.p[4].p_type = PT_GNU_STACK;
	f.p[5].p_type = PT_NULL;
	return f;
}

static int read_all(const struct file *f, struct elf_image *image)
{
	struct elf_header header;
	int err = elf_read_header(f, sizeof(f->e), &limits, &header);

	return err < 0 ? err : elf_read_image(&header, (const char *)f + header.phdr_offset, &limits, image);
}

static int verdict(const struct file *f)
{
	struct elf_image image;

	return read_all(f, &image);
}

static void a_good_program_is_described(void **state)
{
	struct file f = good();
	struct elf_image image;

	(void)state;
	assert_int_equal(read_all(&f, &image), 0);
	assert_false(image.header.relative);
	assert_int_equal(image.header.entry, 0x401000);
	assert_int_equal(image.segment_count, 3);
	assert_int_equal(image.low, 0x400000);
	assert_int_equal(image.high, 0x409000);
	assert_int_equal(image.phdr_address, 0x400000 + sizeof(f.e));
	assert_int_equal(image.segments[2].memory_size, 0x5000);
	assert_int_equal(image.segments[2].file_size, 0x300);
	assert_int_equal(image.segments[1].flags, ELF_READ | ELF_EXEC);
	assert_int_equal(image.interp_size, 0);
	assert_int_equal(image.align, 4096);
}

static void a_relative_program_and_its_interpreter(void **state)
{
	struct file f = good();
	struct elf_image image;

	(void)state;
	f.e.e_type = ET_DYN;
	f.p[3] = (Elf64_Phdr){ .p_type = PT_INTERP, .p_offset = 0x3000, .p_filesz = 20 };
	f.p[1].p_align = 0x200000;
	assert_int_equal(read_all(&f, &image), 0);
	assert_true(image.header.relative);
	assert_int_equal(image.interp_offset, 0x3000);
	assert_int_equal(image.interp_size, 20);
	assert_int_equal(image.align, 0x200000);
}

#define REFUSED(change)                                \
	do {                                           \
		struct file f = good();                \
		change;                                \
		assert_int_equal(verdict(&f), NOEXEC); \
	} while (0)

static void other_files_are_no_programs(void **state)
{
	struct elf_header header;

	(void)state;
	REFUSED(f.e.e_ident[0] = 'X');
	REFUSED(f.e.e_ident[EI_CLASS] = ELFCLASS32);
	REFUSED(f.e.e_ident[EI_DATA] = ELFDATA2MSB);
	REFUSED(f.e.e_ident[EI_VERSION] = 0);
	REFUSED(f.e.e_type = ET_REL);
	REFUSED(f.e.e_type = ET_CORE);
	REFUSED(f.e.e_machine = EM_AARCH64);
	REFUSED(f.e.e_version = 2);
	for (size_t len = 0; len < sizeof(Elf64_Ehdr); len++) {
		struct file f = good();

		assert_int_equal(elf_read_header(&f, len, &limits, &header), NOEXEC);
	}
}

static void the_header_table_lies_in_the_file(void **state)
{
	(void)state;
	REFUSED(f.e.e_phnum = 0);
	REFUSED(f.e.e_phnum = ELF_MAX_PHDRS + 1);
	REFUSED(f.e.e_phentsize = 32);
	REFUSED(f.e.e_phoff = sizeof(f));
	REFUSED(f.e.e_phoff = UINT64_MAX);
	REFUSED(f.e.e_phoff = sizeof(f) - PHDRS * sizeof(Elf64_Phdr) + 1);
}

static void segments_are_checked(void **state)
{
	(void)state;
	REFUSED(f.p[1].p_filesz = f.p[1].p_memsz + 1);
	REFUSED(f.p[1].p_offset = UINT64_MAX - 0xfff);
	REFUSED(f.p[1].p_filesz = f.p[1].p_memsz = UINT64_MAX);
	REFUSED(f.p[2].p_memsz = UINT64_MAX - f.p[2].p_vaddr);
	REFUSED(f.p[2].p_memsz = limits.address_end);
	REFUSED(f.p[2].p_vaddr = 0xffffffff80000010);
	REFUSED(f.p[2].p_vaddr = limits.address_end - 0xff0);
	REFUSED(f.p[1].p_offset = 0x1004); /* address and offset disagree in the page */
	REFUSED(f.p[1].p_align = 3);
	REFUSED(f.p[1].p_align = 1ull << 40);
	REFUSED(f.p[2].p_vaddr = 0x401810);            /* shares a page with the one before */
	REFUSED(f.p[0].p_vaddr = 0x500000);            /* not in order */
	REFUSED(f.p[1].p_memsz = f.p[1].p_filesz = 0); /* nothing at the entry point */
	REFUSED(f.p[1].p_flags = PF_R);                /* entry is not code */
	REFUSED(f.e.e_entry = 0x401800);               /* one behind it */
	REFUSED(f.p[0].p_type = f.p[1].p_type = f.p[2].p_type = PT_NULL);
}

static void the_interpreter_is_named_sensibly(void **state)
{
	(void)state;
	REFUSED((f.p[3] = (Elf64_Phdr){ .p_type = PT_INTERP, .p_offset = 0x3000, .p_filesz = 1 }));
	REFUSED((f.p[3] = (Elf64_Phdr){
			 .p_type = PT_INTERP, .p_offset = 0x3000, .p_filesz = ELF_INTERP_MAX + 1 }));
	REFUSED((f.p[3] = (Elf64_Phdr){ .p_type = PT_INTERP, .p_offset = sizeof(f) - 5, .p_filesz = 10 }));
	REFUSED((f.p[3] = f.p[4] = (Elf64_Phdr){ .p_type = PT_INTERP, .p_offset = 0x3000, .p_filesz = 10 }));
}

static void empty_segments_do_not_count(void **state)
{
	struct file f = good();
	struct elf_image image;

	(void)state;
	load(&f, 3, PF_R, 0, 0x10, 0, 0);
	assert_int_equal(read_all(&f, &image), 0);
	assert_int_equal(image.segment_count, 3);
}

/* Headers that no segment covers are not in memory. */
static void unmapped_headers_have_no_address(void **state)
{
	struct file f = good();
	struct elf_image image;

	(void)state;
	f.p[0].p_filesz = sizeof(f.e) + 10;
	assert_int_equal(read_all(&f, &image), 0);
	assert_int_equal(image.phdr_address, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_program_is_described),
		cmocka_unit_test(a_relative_program_and_its_interpreter),
		cmocka_unit_test(other_files_are_no_programs),
		cmocka_unit_test(the_header_table_lies_in_the_file),
		cmocka_unit_test(segments_are_checked),
		cmocka_unit_test(the_interpreter_is_named_sensibly),
		cmocka_unit_test(empty_segments_do_not_count),
		cmocka_unit_test(unmapped_headers_have_no_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
