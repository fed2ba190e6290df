/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Secure memory objects.
 *
 * A frame of such an object is out of the direct map from before its owner first touches it until it has been
 * cleared.  The kernel reaches it through the owner's mapping, as the owner's system calls do, and through a
 * page window in this file, nowhere else.
 *
 *	owned      some address space has an area over the object; pages that were touched are in the clear
 *	at rest    no area: every page is encrypted with AES-256-XTS, data unit = page, tweak = index in the
 *		   object.  A page is decrypted when it is next touched.
 *
 * Why XTS: the same page is encrypted again and again under one key and tweak, with other contents.  In
 * counter mode two such versions would give away their difference; in XTS they show which 16-byte blocks
 * stayed the same, and no more.  There is no authentication: who can write to frames can garble contents.
 *
 * The key is drawn for the object and dies with it.  It lies in a frame of its own that is out of the direct
 * map as well, in the clear: nothing in a PC hides it from what reads RAM itself.  So encryption protects
 * against whoever gets at the object's frames but not at that one: a stray DMA, a frame kept by mistake.
 *
 * vm_object.lock covers `areas` and the pages' PAGE_FLAG_ENCRYPTED.
 */
#include <kernel/memobj.h>

#include <arch/aes.h>
#include <arch/paging.h>
#include <kernel/page_window.h>
#include <kernel/random.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/vm.h>
#include <serix/errno.h>

#include "page_tree.h"
#include "tlb.h"

struct secure_object {
	struct vm_object object;
	struct page *key; /* [i] its frame holds a struct arch_aes_xts */
	uint32_t areas;   /* [object.lock] */
};

static struct secure_object *secure_of(struct vm_object *obj)
{
	return container_of(obj, struct secure_object, object);
}

/* --- frames that the kernel cannot reach --------------------------------------------------------------- */

static struct page *hidden_frame(void)
{
	paddr_t pa = pmm_alloc(PAGE_SECURE, PMM_ZERO);
	uint64_t va = (uint64_t)phys_to_virt(pa);

	if (pa == PADDR_NONE)
		return NULL;
	if (arch_direct_map_remove(pa) < 0) {
		pmm_free_zeroed(pa);
		return NULL;
	}
	tlb_flush_kernel(va, va + PAGE_SIZE);
	return page_of(pa);
}

/* Cleared first, so that the direct map never shows what was in it.  The only reference goes: whoever else
 * takes one does so under an area that keeps the object. */
static void hidden_frame_free(struct page *page)
{
	paddr_t pa = page_addr(page);
	void *window = page_window_open(pa);

	arch_clear_page(window);
	page_window_close(window);
	arch_direct_map_restore(pa);
	pmm_free_zeroed(pa);
}

static int take_page(struct vm_object *obj, struct page **out)
{
	(void)obj;
	*out = hidden_frame();
	return *out ? 0 : -ENOMEM;
}

static void give_page(struct vm_object *obj, struct page *page)
{
	(void)obj;
	hidden_frame_free(page);
}

/* --- encryption ------------------------------------------------------------------------------------------
 */

static void crypt(struct secure_object *s, uint64_t index, struct page *page, bool encrypt)
{
	uint8_t tweak[AES_BLOCK_SIZE] = { 0 };
	const struct arch_aes_xts *key = page_window_open(page_addr(s->key));
	void *data = page_window_open(page_addr(page));

	memcpy(tweak, &index, sizeof(index));
	(encrypt ? arch_aes_xts_encrypt : arch_aes_xts_decrypt)(key, tweak, data, PAGE_SIZE / AES_BLOCK_SIZE);
	page_window_close(data);
	page_window_close((void *)(uintptr_t)key);
	page->flags ^= PAGE_FLAG_ENCRYPTED;
}

static void page_wanted(struct vm_object *obj, uint64_t index, struct page *page)
{
	if (page->flags & PAGE_FLAG_ENCRYPTED)
		crypt(secure_of(obj), index, page, false);
}

static void encrypt_all_locked(struct secure_object *s)
{
	struct page *page;

	for (uint64_t index = 0; (page = page_tree_next(&s->object.pages, &index)); index++) {
		if (!(page->flags & PAGE_FLAG_ENCRYPTED))
			crypt(s, index, page, true);
	}
}

static void attached(struct vm_object *obj)
{
	mutex_lock(&obj->lock);
	secure_of(obj)->areas++;
	mutex_unlock(&obj->lock);
}

/* The page table's entries are gone and flushed.  An object that only this area kept is freed next: it is
 * cleared then, and encrypting it would be wasted. */
static void detached(struct vm_object *obj)
{
	struct secure_object *s = secure_of(obj);

	mutex_lock(&obj->lock);
	if (--s->areas == 0 && refcount_read(&obj->refs) > 1)
		encrypt_all_locked(s);
	mutex_unlock(&obj->lock);
}

/* --- objects ---------------------------------------------------------------------------------------------
 */

static void release(struct vm_object *obj)
{
	struct secure_object *s = secure_of(obj);

	hidden_frame_free(s->key);
	kfree(s);
}

static void describe(struct vm_object *obj, char *buf, size_t size, dev_t *dev, uint64_t *ino)
{
	(void)obj;
	strlcpy(buf, "/secretmem (deleted)", size);
	*dev = 0;
	*ino = 0;
}

static const struct vm_object_ops secure_ops = {
	.take = take_page,
	.give = give_page,
	.wanted = page_wanted,
	.attached = attached,
	.detached = detached,
	.release = release,
	.describe = describe,
};

static void make_key(struct page *page)
{
	uint8_t key[AES256_XTS_KEY_SIZE];
	void *window;

	random_bytes(key, sizeof(key));
	window = page_window_open(page_addr(page));
	arch_aes_xts_init(window, key);
	page_window_close(window);
	memwipe(key, sizeof(key));
	__asm__ volatile("" : : "r"(key) : "memory"); /* it must really go */
}

int vm_object_create_secure(uint64_t size, struct vm_object **out)
{
	struct secure_object *s;

	if (!arch_has_aes())
		return -EOPNOTSUPP;
	s = kzalloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->key = hidden_frame();
	if (!s->key) {
		kfree(s);
		return -ENOMEM;
	}
	make_key(s->key);
	vm_object_init(&s->object, &secure_ops, size);
	s->object.pinned = true; /* give_page relies on it: what is given back is mapped nowhere */
	*out = &s->object;
	return 0;
}
