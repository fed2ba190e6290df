/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The generator keeps only a 256-bit key.  Each request expands it with ChaCha20: the first 32 bytes
 * become the next key, the rest is output, so what was given out cannot be recovered from the state
 * later (fast key erasure; D. J. Bernstein, "Fast-key-erasure random-number generators", 2017).  Small
 * requests are served from a pool made that way, each byte erased as it is given out.
 * Entropy is folded into the key by using it as the nonce and key difference of an extra block.
 */
#include <kernel/random.h>

#include <arch/cpu.h>
#include <kernel/assert.h>
#include <kernel/chacha20.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>

#define RESEED_BYTES (1024u * 1024)
#define POOL_BLOCKS  4u /* blocks made at a time for small requests */

static struct spinlock lock = SPINLOCK_INIT("random", RANK_RANDOM);
static uint32_t key[8];                              /* [lock] */
static uint64_t bytes_since_seed;                    /* [lock] */
static uint8_t pool[POOL_BLOCKS * 64 - sizeof(key)]; /* [lock] output not given out yet, at its end */
static size_t pool_left;                             /* [lock] */
static bool seeded __ro_after_init;

/* Clear secrets for good: the compiler must not see that nobody reads them again. */
static void wipe(void *p, size_t len)
{
	memset(p, 0, len);
	__asm__ volatile("" : : "r"(p) : "memory");
}

/* Replace the key by a block under (key xor data): one-way in both. */
static void mix_locked(const uint8_t *data, size_t len)
{
	uint8_t block[64];
	uint32_t nonce[3] = { 0x5345u, 0, 0 };

	do {
		size_t n = MIN(len, sizeof(key));
		uint64_t now = arch_cycles();

		for (size_t i = 0; i < n; i++)
			((uint8_t *)key)[i] ^= data[i];
		memcpy(nonce + 1, &now, sizeof(now));
		chacha20_block(key, (uint32_t)n, nonce, block);
		memcpy(key, block, sizeof(key));
		data += n;
		len -= n;
	} while (len);
	wipe(block, sizeof(block));
	pool_left = 0;
}

static void reseed_locked(void)
{
	uint8_t seed[32];
	size_t n = arch_random(seed, sizeof(seed));

	mix_locked(seed, n);
	bytes_since_seed = 0;
}

/* Expand the key into `len` bytes of output, after replacing it by the first 32. */
static void expand_locked(uint8_t *out, size_t len)
{
	static const uint32_t nonce[3];
	uint32_t stream_key[8];
	uint8_t block[64];

	if (bytes_since_seed >= RESEED_BYTES)
		reseed_locked();
	bytes_since_seed += len;
	memcpy(stream_key, key, sizeof(key));
	chacha20_block(stream_key, 0, nonce, block);
	memcpy(key, block, sizeof(key));
	for (uint32_t counter = 1, off = sizeof(key); len; counter++, off = 0) {
		size_t n = MIN(len, sizeof(block) - off);

		memcpy(out, block + off, n);
		out += n;
		len -= n;
		if (len)
			chacha20_block(stream_key, counter, nonce, block);
	}
	wipe(block, sizeof(block));
	wipe(stream_key, sizeof(stream_key));
}

void random_init(const void *entropy, size_t len)
{
	uint64_t flags = spin_lock_irqsave(&lock);

	mix_locked(entropy, len);
	reseed_locked();
	seeded = true;
	spin_unlock_irqrestore(&lock, flags);
}

void random_add(const void *data, size_t len)
{
	uint64_t flags = spin_lock_irqsave(&lock);

	mix_locked(data, len);
	spin_unlock_irqrestore(&lock, flags);
}

void random_bytes(void *buf, size_t len)
{
	uint8_t *out = buf;

	/* Without a seed every machine would draw the same. */
	ASSERT(seeded);
	/* Long requests give others a chance at the lock between pages. */
	do {
		size_t n = MIN(len, PAGE_SIZE);
		uint64_t flags = spin_lock_irqsave(&lock);

		if (n > sizeof(pool)) {
			expand_locked(out, n);
		} else {
			if (n > pool_left) {
				expand_locked(pool, sizeof(pool));
				pool_left = sizeof(pool);
			}
			pool_left -= n;
			memcpy(out, pool + pool_left, n);
			wipe(pool + pool_left, n);
		}
		spin_unlock_irqrestore(&lock, flags);
		out += n;
		len -= n;
	} while (len);
}

uint64_t random_u64(void)
{
	uint64_t v;

	random_bytes(&v, sizeof(v));
	return v;
}
