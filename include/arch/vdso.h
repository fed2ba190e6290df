/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine contract: the image of the vDSO, a shared object that every program finds in its memory.  It is
 * loaded as it stands in the file, in one piece, readable and executable, with struct vdso_data in the page
 * before it (kernel/vdso.h).
 */
#pragma once

#include <stdint.h>

extern const uint8_t arch_vdso_image[], arch_vdso_image_end[];
