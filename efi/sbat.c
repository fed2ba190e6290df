/* SPDX-License-Identifier: BSD-2-Clause */
/* The generation record by which shim can revoke old loaders: component, generation, vendor, ... */

/* A page of its own: the section becomes one of the PE file's. */
__attribute__((section(".sbat"), used, aligned(4096))) static const char sbat[] =
	"sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n"
	"serix,1,Serix,serix,1,https://serix.invalid/\n";
