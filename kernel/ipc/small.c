/* SPDX-License-Identifier: BSD-2-Clause */
/* Small messages between registers and parcels, where they have to wait or to cross to another CPU. */
#include <kernel/ipc.h>

#include <arch/context.h>
#include <arch/message.h>

_Static_assert(ARCH_MESSAGE_SIZE == MESSAGE_SMALL, "what fits into registers is a small message");

int parcel_create_small(uint64_t tag, uint64_t size, const struct ipc_identity *who, struct capability *via,
			struct parcel **out)
{
	const struct message nothing = { .tag = tag };
	int err = parcel_create(&nothing, who, via, NULL, out);

	if (err < 0)
		return err;
	(*out)->payload.size = (uint32_t)size;
	arch_message_store((*out)->payload.bytes, size);
	return 0;
}

int64_t parcel_deliver_small(struct parcel *parcel, struct arch_regs *regs)
{
	int64_t size = parcel->payload.size;

	arch_message_load(parcel->payload.bytes, parcel->payload.size);
	arch_regs_set_message(regs, parcel->tag, parcel->badge, parcel->cookie, parcel->rights);
	parcel_drop(parcel);
	return size;
}
