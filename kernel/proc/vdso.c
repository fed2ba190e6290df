/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vDSO: two memory objects that all address spaces share.  "[vvar]" is one page, which the kernel writes
 * through the direct map and programs only read; "[vdso]", right behind it, the machine's image.
 */
#include <kernel/vdso.h>

#include <arch/paging.h>
#include <arch/vdso.h>
#include <kernel/panic.h>
#include <kernel/string.h>
#include <kernel/time.h>
#include <kernel/topology.h>
#include <kernel/vdso_data.h>
#include <kernel/vm.h>

_Static_assert(sizeof(struct vdso_data) <= PAGE_SIZE, "one page");
_Static_assert(VDSO_CPUS >= MAX_CPUS && MAX_NODES <= UINT8_MAX, "struct vdso_data");

static struct vm_object data_object, image_object;

static size_t image_size(void)
{
	return (size_t)(arch_vdso_image_end - arch_vdso_image);
}

static int fill_image(struct vm_object *obj, uint64_t index, struct page *page)
{
	size_t at = index * PAGE_SIZE;

	(void)obj;
	memcpy(phys_to_virt(page_addr(page)), arch_vdso_image + at, MIN(image_size() - at, PAGE_SIZE));
	return 0;
}

static void describe_data(struct vm_object *obj, char *buf, size_t size, dev_t *dev, uint64_t *ino)
{
	(void)obj;
	(void)dev;
	(void)ino;
	strlcpy(buf, "[vvar]", size);
}

static void describe_image(struct vm_object *obj, char *buf, size_t size, dev_t *dev, uint64_t *ino)
{
	(void)obj;
	(void)dev;
	(void)ino;
	strlcpy(buf, "[vdso]", size);
}

static const struct vm_object_ops data_ops = { .describe = describe_data };
static const struct vm_object_ops image_ops = { .fill = fill_image, .describe = describe_image };

static void note_nodes(struct vdso_data *data)
{
	for (uint32_t cpu = 0; cpu < cpu_count; cpu++)
		data->node[cpu] = (uint8_t)topology_of(cpu)->node;
}

void vdso_init(void)
{
	struct vdso_data *data;
	struct page *page;

	vm_object_init(&image_object, &image_ops, ALIGN_UP(image_size(), PAGE_SIZE));
	vm_object_init(&data_object, &data_ops, PAGE_SIZE);
	image_object.pinned = data_object.pinned = true;
	if (vm_object_page(&data_object, 0, &page) < 0)
		panic("no memory for the page that programs read the time from");
	data = phys_to_virt(page_addr(page)); /* its reference stays */
	note_nodes(data);
	time_publish(data);
}

int vdso_map(struct vm_space *vm, uint64_t *base)
{
	uint64_t at = 0, image;
	int err = vm_map(vm, &at, PAGE_SIZE + image_object.size, VM_READ, VM_READ, 0, &data_object, 0);

	if (err < 0)
		return err;
	image = at + PAGE_SIZE;
	err = vm_map(vm, &image, image_object.size, VM_READ | VM_EXEC, VM_READ | VM_EXEC, VM_MAP_FIXED,
		     &image_object, 0);
	*base = image;
	return err;
}
