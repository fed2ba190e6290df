/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine contract: I/O ports, for the drivers of PC devices.
 *
 *	uint8_t port_in8(uint16_t port)      void port_out8(uint16_t port, uint8_t value)
 *
 * and the same for 16 and 32 bits.  A port with nothing behind it reads as all ones.
 */
#pragma once

#include <arch/io_impl.h>
