/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The UEFI loader from start to jump.  Position independent; the firmware's stack, GDT and identity
 * page tables are used to the end.
 *
 * efi_main has the SysV calling convention because gnu-efi's start-up code calls it so; only calls
 * into the firmware use the other one.
 */
#include "efi_priv.h"

#include <loader/boot_info.h>

#define CONFIG_PATH  "/serix/serix.cfg"
#define MODULE_MAX   (2ull << 30)
#define FATAL_WAIT_S 10u

EFI_HANDLE efi_image;
EFI_SYSTEM_TABLE *efi_st;
EFI_BOOT_SERVICES *efi_bs;

static char config_text[CONFIG_MAX_BYTES];
static struct config config;
static struct boot_choice choice;

static int parse_config(const char *text, uint32_t len)
{
	struct config_error error;

	if (config_parse(text, len, &config, &error) < 0)
		return con_error("serix.cfg line %u: %s", error.line, error.what);
	return 0;
}

static int read_config(void)
{
	uint32_t len;
	int found = file_load_optional(CONFIG_PATH, config_text, sizeof(config_text), &len);

	if (found < 0)
		return found;
	if (found > 0)
		return parse_config(config_text, len);
	con_print("Serix: no %s, using the built-in defaults\n", CONFIG_PATH);
	return parse_config(config_builtin, (uint32_t)config_builtin_len);
}

/* A path's last part, terminated, as the kernel shows it. */
static void base_name(const struct config_text *path, char name[BOOT_NAME_LEN])
{
	uint32_t start = path->len;
	uint32_t n = 0;

	while (start > 0 && path->at[start - 1] != '/')
		start--;
	while (start + n < path->len && n + 1 < BOOT_NAME_LEN) {
		name[n] = path->at[start + n];
		n++;
	}
	name[n] = '\0';
}

static int load_module(const struct config_file *spec, bool hash_required, struct boot_info *bi)
{
	char name[BOOT_NAME_LEN];
	struct mem file;

	if (file_load(spec->path, MODULE_MAX, &file) < 0 || trust_check(spec, &file, hash_required) < 0)
		return -1;
	base_name(&spec->path, name);
	if (boot_info_add_module(bi, (uint64_t)file.at, file.size, name) < 0)
		return con_error("no room for module %t", &spec->path);
	return 0;
}

static bool same_guid(const EFI_GUID *a, const EFI_GUID *b)
{
	const uint8_t *x = (const uint8_t *)a;
	const uint8_t *y = (const uint8_t *)b;

	for (size_t i = 0; i < sizeof(*a); i++) {
		if (x[i] != y[i])
			return false;
	}
	return true;
}

/* The ACPI 2.0 table wherever there is one: only it has 64-bit addresses. */
static uint64_t find_rsdp(void)
{
	EFI_GUID acpi_20 = ACPI_20_TABLE_GUID;
	EFI_GUID acpi_10 = ACPI_TABLE_GUID;
	uint64_t rsdp = 0;

	for (UINTN i = 0; i < efi_st->NumberOfTableEntries; i++) {
		const EFI_CONFIGURATION_TABLE *table = &efi_st->ConfigurationTable[i];

		if (same_guid(&table->VendorGuid, &acpi_20))
			return (uint64_t)table->VendorTable;
		if (same_guid(&table->VendorGuid, &acpi_10))
			rsdp = (uint64_t)table->VendorTable;
	}
	return rsdp;
}

static int load_entry(const struct config_entry *entry, bool secure, struct boot_info *bi, uint64_t *start)
{
	struct kernel kernel;

	if (kernel_load(&entry->kernel, secure, &kernel) < 0)
		return -1;
	if (boot_info_set_kernel(bi, (uint64_t)kernel.image.at, kernel.image.size) < 0)
		return con_error("the kernel's place is refused");
	*start = kernel.entry;
	for (uint32_t i = 0; i < entry->module_count; i++) {
		if (load_module(&entry->modules[i], secure, bi) < 0)
			return -1;
	}
	return 0;
}

static void describe_machine(const struct config_video *video, struct boot_info *bi)
{
	struct boot_framebuffer fb;

	bi->rsdp = find_rsdp();
	entropy_gather(bi);
	pci_find_masters();
	video_set(video, &fb);
	if (fb.base == 0 || boot_info_set_framebuffer(bi, &fb) < 0)
		con_print("Serix: no framebuffer, the kernel has only the serial port\n");
}

/* Everything up to the jump.  1: the user wants back to the firmware; negative: failed, and said so. */
static int boot(uint64_t tsc_entry)
{
	bool secure = trust_secure_boot();
	const struct config_entry *entry;
	struct boot_info *bi;
	struct mem memory;
	uint64_t start;

	if (file_open_volume() < 0 || read_config() < 0)
		return -1;
	if (menu_choose(&config, secure, &choice) == 0)
		return 1;
	if (mem_alloc(&memory, sizeof(*bi), "boot_info") < 0)
		return -1;
	entry = &config.entries[choice.entry];
	bi = (struct boot_info *)memory.at;
	boot_info_init(bi, "uefi");
	bi->tsc_entry = tsc_entry;
	if (boot_info_set_cmdline(bi, choice.cmdline, sizeof(choice.cmdline)) < 0)
		return con_error("the command line is too long");
	if (load_entry(entry, secure, bi, &start) < 0)
		return -1;
	file_close_volume();
	describe_machine(&entry->video, bi);
	if (leave_firmware(bi) < 0)
		return -1;
	pci_stop_masters();
	bi->tsc_handoff = read_tsc();
	handoff((uint64_t)bi, start);
}

/* Time to read the line above before the firmware clears the screen. */
static void wait_for_reader(void)
{
	EFI_INPUT_KEY key;

	con_print("Serix: not booted; returning to the firmware in %u s or on a key\n", FATAL_WAIT_S);
	while (con_poll_key(&key))
		;
	con_wait_key(FATAL_WAIT_S, &key);
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *st);

__attribute__((no_stack_protector)) EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *st)
{
	uint64_t tsc_entry = read_tsc();
	int result;

	efi_image = image;
	efi_st = st;
	efi_bs = st->BootServices;
	mem_seed_canary();
	result = boot(tsc_entry);
	if (result < 0)
		wait_for_reader();
	file_close_volume();
	mem_free_all();
	return result < 0 ? EFI_LOAD_ERROR : EFI_ABORTED;
}
