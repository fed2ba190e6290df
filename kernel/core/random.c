/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random numbers.
 *
 * A generator keeps a 256-bit key.  When it is out of numbers it expands the key with XChaCha20: the first 32
 * bytes are the next key, the rest is the pool that requests are served from, each byte erased as it is given
 * out.  So what was given out cannot be computed from what is in memory later (fast key erasure; D. J.
 * Bernstein, "Fast-key-erasure random-number generators", 2017).  Every key is used once.  The long nonce
 * holds the time and the CPU: generators whose keys are the same by some accident, as in two copies of a
 * virtual machine, part with their next expansion.
 *
 * The root takes in entropy and gives the CPUs' generators their keys; each of those is used by its own CPU
 * alone, with interrupts off and no lock.  Long requests draw a key and expand that, with interrupts on.
 *
 * Reseeding: about a second after the start, then ever more rarely, down to about once a minute, whoever
 * draws mixes into the root what the CPU's source gives and the timing of all CPUs' interrupts, and begins a
 * new epoch.  A CPU that sees a new epoch at its next request throws its pool away and mixes fresh bytes of
 * the root into its key: once that is done, knowing all that was in memory before helps nobody.
 *
 * Mixing in: the key becomes HChaCha20(key, data), 16 bytes at a time.  As that is a pseudo-random function
 * of the data under the key, and of both when they are unknown, chosen data does no harm to an unknown key,
 * and unknown data repairs a known one.
 */
#include <kernel/random.h>

#include <arch/cpu.h>
#include <kernel/assert.h>
#include <kernel/printk.h>
#include <kernel/siphash.h>
#include <kernel/slab.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>
#include <kernel/xchacha20.h>

#define KEY_WORDS 8
#define STATE     512u /* bytes made at a time: whole blocks */

/* Between reseedings, in cycles: from about a second to about a minute at any clock rate of this century. */
#define RESEED_FIRST (1ull << 31)
#define RESEED_LAST  (1ull << 37)

/* The state of a generator in one piece, so that an expansion overwrites all of it. */
struct generator {
	uint32_t key[KEY_WORDS];
	uint8_t pool[STATE - KEY_WORDS * sizeof(uint32_t)]; /* output not given out yet, at its end */
};

/* Touched by its own CPU only, with interrupts off; `timing` is also read by others. */
struct random_cpu {
	struct generator generator;
	size_t left;        /* of the pool */
	uint64_t epoch;     /* of the root, when the key was last mixed with its bytes */
	uint64_t timing[4]; /* what is known of interrupts */
};

static struct spinlock root_lock = SPINLOCK_INIT("random", RANK_RANDOM);
static uint32_t root_key[KEY_WORDS]; /* [root_lock] */
static _Atomic uint64_t root_epoch;  /* written with root_lock; 0: no seed yet */
static _Atomic uint64_t reseed_at;   /* cycle counter; who moves it on reseeds */
static uint64_t reseed_interval;     /* by who reseeds */
static struct random_cpu boot_cpu;

/* --- keys ------------------------------------------------------------------------------------------- */

static void key_mix(uint32_t key[KEY_WORDS], const void *data, size_t len)
{
	const uint8_t *from = data;

	while (len) {
		uint32_t in[4] = { 0 };
		size_t n = MIN(len, sizeof(in));

		memcpy(in, from, n);
		hchacha20(key, in, key);
		memwipe(in, sizeof(in));
		from += n;
		len -= n;
	}
}

/* `out` begins with the next key, which the caller puts in the place of this one. */
static void key_expand(const uint32_t key[KEY_WORDS], uint32_t user, void *out, size_t len)
{
	uint64_t now = arch_cycles();
	const uint32_t nonce[6] = { (uint32_t)now, (uint32_t)(now >> 32), user };

	xchacha20_stream(key, nonce, 0, out, len);
}

/* --- the root --------------------------------------------------------------------------------------- */

#define ROOT_USER UINT32_MAX /* no CPU's id */

/* A key for somebody else. */
static void root_draw_locked(uint32_t out[KEY_WORDS])
{
	uint32_t both[2 * KEY_WORDS];

	key_expand(root_key, ROOT_USER, both, sizeof(both));
	memcpy(root_key, both, sizeof(root_key));
	memcpy(out, both + KEY_WORDS, sizeof(root_key));
	memwipe(both, sizeof(both));
}

static void root_mix_locked(const void *data, size_t len)
{
	uint64_t now = arch_cycles();

	key_mix(root_key, data, len);
	key_mix(root_key, &now, sizeof(now));
}

/* A round of SipHash is cheap, loses nothing, and spreads bits in a few calls. */
static void timing_add(uint64_t timing[4], uint64_t word)
{
	uint64_t v[4];

	for (unsigned w = 0; w < 4; w++)
		v[w] = READ_ONCE(timing[w]);
	v[3] ^= word;
	siphash_round(v);
	v[0] ^= word;
	for (unsigned w = 0; w < 4; w++)
		WRITE_ONCE(timing[w], v[w]);
}

/* Pools of other CPUs may change while they are read: all the better. */
static void timing_collect(uint64_t sum[4])
{
	for (uint32_t i = 0; i < READ_ONCE(cpu_count); i++)
		for (unsigned w = 0; w < 4; w++)
			timing_add(sum, READ_ONCE(cpus[i]->random->timing[w]));
}

struct seed {
	uint8_t hardware[32];
	uint64_t timing[4];
};

/* Returns whether the CPU has a source of its own. */
static bool reseed(void)
{
	struct seed seed = { 0 };
	size_t n = arch_random(seed.hardware, sizeof(seed.hardware));
	uint64_t flags;

	timing_collect(seed.timing);
	flags = spin_lock_irqsave(&root_lock);
	root_mix_locked(&seed, sizeof(seed));
	atomic_fetch_add(&root_epoch, 1);
	spin_unlock_irqrestore(&root_lock, flags);
	memwipe(&seed, sizeof(seed));
	return n > 0;
}

static void reseed_if_due(void)
{
	uint64_t now = arch_cycles(), due = atomic_load_explicit(&reseed_at, memory_order_relaxed);

	if (likely(now < due))
		return;
	/* Others go on with the old seed rather than wait. */
	if (!atomic_compare_exchange_strong(&reseed_at, &due, UINT64_MAX))
		return;
	reseed();
	reseed_interval = MIN(reseed_interval * 2, RESEED_LAST);
	atomic_store(&reseed_at, now + reseed_interval);
}

/* --- the CPUs' generators --------------------------------------------------------------------------- */

static void rekey(struct random_cpu *r)
{
	uint32_t fresh[KEY_WORDS];
	uint64_t flags = spin_lock_irqsave(&root_lock);

	r->epoch = atomic_load_explicit(&root_epoch, memory_order_relaxed);
	root_draw_locked(fresh);
	spin_unlock_irqrestore(&root_lock, flags);
	key_mix(r->generator.key, fresh, sizeof(fresh));
	memwipe(fresh, sizeof(fresh));
	memwipe(r->generator.pool, sizeof(r->generator.pool));
	r->left = 0;
}

static void refill(struct random_cpu *r)
{
	key_expand(r->generator.key, arch_this_cpu()->id, &r->generator, sizeof(r->generator));
	r->left = sizeof(r->generator.pool);
}

/* On the generator's CPU, with preemption and interrupts off. */
static void draw(struct random_cpu *r, uint8_t *out, size_t len)
{
	reseed_if_due();
	if (unlikely(r->epoch != atomic_load_explicit(&root_epoch, memory_order_relaxed)))
		rekey(r);
	while (len) {
		uint8_t *from;
		size_t n;

		if (r->left == 0)
			refill(r);
		n = MIN(len, r->left);
		from = r->generator.pool + sizeof(r->generator.pool) - r->left;
		memcpy(out, from, n);
		memwipe(from, n);
		r->left -= n;
		out += n;
		len -= n;
	}
}

/* --- for all ---------------------------------------------------------------------------------------- */

void random_init(const void *entropy, size_t len)
{
	uint64_t flags;

	arch_this_cpu()->random = &boot_cpu;
	flags = spin_lock_irqsave(&root_lock);
	root_mix_locked(entropy, len);
	spin_unlock_irqrestore(&root_lock, flags);
	if (!reseed() && len == 0)
		pr_warn("random: neither the loader nor the CPU gave entropy: numbers may be guessed for a "
			"while");
	reseed_interval = RESEED_FIRST;
	atomic_store(&reseed_at, arch_cycles() + RESEED_FIRST);
}

struct random_cpu *random_create_cpu(void)
{
	return kzalloc(sizeof(struct random_cpu));
}

void random_add(const void *data, size_t len)
{
	uint64_t flags = spin_lock_irqsave(&root_lock);

	root_mix_locked(data, len);
	spin_unlock_irqrestore(&root_lock, flags);
}

void random_interrupt(uint64_t word)
{
	timing_add(arch_this_cpu()->random->timing, arch_cycles() + (word << 32 | word >> 32));
}

static void draw_here(void *out, size_t len)
{
	uint64_t flags;

	/* Without a seed every machine would draw the same. */
	ASSERT(atomic_load_explicit(&root_epoch, memory_order_relaxed));
	preempt_disable();
	flags = arch_irq_save();
	draw(arch_this_cpu()->random, out, len);
	arch_irq_restore(flags);
	preempt_enable();
}

void random_bytes(void *buf, size_t len)
{
	static const uint32_t nonce[6];
	uint32_t key[KEY_WORDS];

	if (len <= sizeof(boot_cpu.generator.pool)) {
		draw_here(buf, len);
		return;
	}
	draw_here(key, sizeof(key));
	xchacha20_stream(key, nonce, 0, buf, len);
	memwipe(key, sizeof(key));
}

uint64_t random_u64(void)
{
	uint64_t v;

	draw_here(&v, sizeof(v));
	return v;
}
