/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * siginfo_t on its way from programs and to them.  Of its 128 bytes those behind struct abi_siginfo say
 * nothing with any code that there is: the kernel keeps none of them and gives out zeros.
 */
#include <arch/usercopy.h>
#include <kernel/signal.h>
#include <kernel/string.h>
#include <serix/errno.h>

#define REST_SIZE (ABI_SIGINFO_SIZE - sizeof(struct abi_siginfo))

/* The last code that says something of its own, by signal: sigaction(2), "si_code". */
static int32_t last_code(int signo)
{
	switch (signo) {
	case SIGILL:
		return 11;
	case SIGFPE:
		return 15;
	case SIGSEGV:
		return 9;
	case SIGBUS:
		return 5;
	case SIGSYS:
		return 2;
	default:
		return 6;
	}
}

static bool code_known(int signo, int32_t code)
{
	if (code == SI_KERNEL || code == SI_ASYNCNL)
		return true;
	return code >= SI_DETHREAD && code <= last_code(signo);
}

/* With a code that nobody knows there might be more than is kept. */
static int check_rest(uaddr_t rest)
{
	static const uint8_t zeros[REST_SIZE];
	uint8_t bytes[REST_SIZE];

	if (copy_from_user(bytes, rest, sizeof(bytes)) < 0)
		return -EFAULT;
	return memcmp(bytes, zeros, sizeof(bytes)) == 0 ? 0 : -E2BIG;
}

int signal_info_from_user(struct abi_siginfo *info, int signo, uaddr_t from)
{
	if (copy_from_user(info, from, sizeof(*info)) < 0)
		return -EFAULT;
	if (signo != 0)
		info->signo = signo;
	return code_known(info->signo, info->code) ? 0 : check_rest(from + sizeof(*info));
}

int signal_info_to_user(uaddr_t to, const struct abi_siginfo *info)
{
	int err = copy_to_user(to, info, sizeof(*info));

	return err < 0 ? err : clear_user(to + sizeof(*info), REST_SIZE);
}
