/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine contract: port I/O, for the devices that every PC has at fixed ports.  A machine without
 * an I/O space defines these as accesses to its ISA window, or leaves those drivers out of the build.
 *
 * Defined inline by the machine's <arch/io_impl.h>; strictly ordered, never cached or repeated:
 *
 *	uint8_t  arch_in8(uint16_t port)      void arch_out8(uint16_t port, uint8_t value)
 *	uint16_t arch_in16(uint16_t port)     void arch_out16(uint16_t port, uint16_t value)
 *	uint32_t arch_in32(uint16_t port)     void arch_out32(uint16_t port, uint32_t value)
 */
#pragma once

#include <stdint.h>

#include <arch/io_impl.h>
