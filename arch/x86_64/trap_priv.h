/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdint.h>

const char *exception_name(uint64_t vector);
