/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * 64 bytes for the kernel's random generator, from whatever this machine has: the firmware's
 * EFI_RNG_PROTOCOL, RDSEED or RDRAND, the jitter of the TSC, the clock.  The sources go through
 * SHA-256 together, so a bad one cannot spoil a good one.
 */
#include "efi_priv.h"

#include <loader/boot_info.h>
#include <loader/sha256.h>

#define CPUID_1_ECX_RDRAND  (1u << 30)
#define CPUID_7_EBX_RDSEED  (1u << 18)
#define JITTER_SAMPLES      64u
#define JITTER_CREDIT_BYTES 8u /* what timing alone is trusted for */

/* The two members this loader needs; gnu-efi does not declare the protocol. */
struct rng_protocol {
	EFI_STATUS(EFIAPI *GetInfo)(struct rng_protocol *self, UINTN *size, EFI_GUID *algorithms);
	EFI_STATUS(EFIAPI *GetRNG)(struct rng_protocol *self, EFI_GUID *algorithm, UINTN length, UINT8 *out);
};

struct pool {
	uint8_t block; /* which half of the output */
	uint8_t firmware[BOOT_ENTROPY_LEN];
	uint64_t cpu[BOOT_ENTROPY_LEN / 8];
	uint64_t jitter[JITTER_SAMPLES];
	EFI_TIME time;
	UINT64 count;
};

uint64_t read_tsc(void)
{
	uint32_t low;
	uint32_t high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
	return (uint64_t)high << 32 | low;
}

static void cpuid(uint32_t leaf, uint32_t regs[4])
{
	__asm__ volatile("cpuid"
			 : "=a"(regs[0]), "=b"(regs[1]), "=c"(regs[2]), "=d"(regs[3])
			 : "a"(leaf), "c"(0));
}

static bool cpu_has_rdrand(void)
{
	uint32_t regs[4];

	cpuid(1, regs);
	return regs[2] & CPUID_1_ECX_RDRAND;
}

static bool cpu_has_rdseed(void)
{
	uint32_t regs[4];

	cpuid(0, regs);
	if (regs[0] < 7)
		return false;
	cpuid(7, regs);
	return regs[1] & CPUID_7_EBX_RDSEED;
}

static bool rdrand(uint64_t *out)
{
	bool ok = false;

	for (int i = 0; i < 10 && !ok; i++)
		__asm__ volatile("rdrand %0" : "=r"(*out), "=@ccc"(ok));
	return ok;
}

static bool rdseed(uint64_t *out)
{
	bool ok = false;

	for (int i = 0; i < 100 && !ok; i++)
		__asm__ volatile("rdseed %0; pause" : "=r"(*out), "=@ccc"(ok));
	return ok;
}

/* Some old CPUs answer all ones for ever after a resume: that is no randomness. */
static bool from_cpu(uint64_t *words, uint32_t count)
{
	bool have_rand = cpu_has_rdrand();
	bool have_seed = cpu_has_rdseed();
	bool differ = false;

	for (uint32_t i = 0; i < count; i++) {
		if (!(have_seed && rdseed(&words[i])) && !(have_rand && rdrand(&words[i])))
			return false;
		differ |= words[i] != words[0];
	}
	return differ;
}

static bool from_firmware(uint8_t *bytes, UINTN length)
{
	EFI_GUID guid = { 0x3152bca5, 0xeade, 0x433d, { 0x86, 0x2e, 0xc0, 0x1c, 0xdc, 0x29, 0x1f, 0x44 } };
	struct rng_protocol *rng;

	if (efi_bs->LocateProtocol(&guid, NULL, (void **)&rng) != EFI_SUCCESS || !rng)
		return false;
	return rng->GetRNG(rng, NULL, length, bytes) == EFI_SUCCESS;
}

static void from_time(struct pool *pool)
{
	for (uint32_t i = 0; i < JITTER_SAMPLES; i++) {
		efi_bs->GetNextMonotonicCount(&pool->count);
		pool->jitter[i] = read_tsc();
	}
	efi_st->RuntimeServices->GetTime(&pool->time, NULL);
}

static void squeeze(struct pool *pool, uint8_t block, uint8_t digest[SHA256_LEN])
{
	struct sha256 ctx;

	pool->block = block;
	sha256_init(&ctx);
	sha256_update(&ctx, pool, sizeof(*pool));
	sha256_final(&ctx, digest);
}

/* What the kernel will draw its keys from does not stay behind on the firmware's stack. */
static void wipe(void *secret, size_t len)
{
	__builtin_memset(secret, 0, len);
	__asm__ volatile("" ::"r"(secret) : "memory");
}

void entropy_gather(struct boot_info *bi)
{
	uint8_t out[2 * SHA256_LEN];
	struct pool pool = { 0 };
	bool strong = from_firmware(pool.firmware, sizeof(pool.firmware));

	strong |= from_cpu(pool.cpu, sizeof(pool.cpu) / sizeof(pool.cpu[0]));
	from_time(&pool);
	squeeze(&pool, 0, out);
	squeeze(&pool, 1, out + SHA256_LEN);
	boot_info_add_entropy(bi, out, strong ? sizeof(out) : JITTER_CREDIT_BYTES);
	wipe(&pool, sizeof(pool));
	wipe(out, sizeof(out));
}
