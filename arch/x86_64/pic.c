/* SPDX-License-Identifier: BSD-2-Clause */
#include "apic.h"

#include <arch/io.h>

#include "vectors.h"

#define PIC_MASTER 0x20
#define PIC_SLAVE  0xa0
#define PIC_DATA   1

#define ICW1_INIT   0x11
#define ICW3_MASTER 0x04 /* the slave sits on line 2 */
#define ICW3_SLAVE  0x02
#define ICW4_8086   0x01
#define PIC_DELAY   0x80 /* a write here takes about a microsecond */

static void pic_write(uint16_t port, uint8_t value)
{
	arch_out8(port, value);
	arch_out8(PIC_DELAY, 0);
}

static void pic_setup(uint16_t base, uint8_t vector, uint8_t cascade)
{
	pic_write(base, ICW1_INIT);
	pic_write(base + PIC_DATA, vector);
	pic_write(base + PIC_DATA, cascade);
	pic_write(base + PIC_DATA, ICW4_8086);
	pic_write(base + PIC_DATA, 0xff);
}

void pic_disable(void)
{
	pic_setup(PIC_MASTER, VECTOR_PIC, ICW3_MASTER);
	pic_setup(PIC_SLAVE, VECTOR_PIC + 8, ICW3_SLAVE);
}
