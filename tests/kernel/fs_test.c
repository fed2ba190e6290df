/* SPDX-License-Identifier: BSD-2-Clause */
/* Chroma from inside: what programs cannot see, such as memory that comes back and archives that lie. */
#include <kernel/ktest.h>

#include <kernel/file.h>
#include <kernel/format.h>
#include <kernel/pmm.h>
#include <kernel/reclaim.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/vfs.h>
#include <serix/errno.h>

#define DIR "/fs-test"

/* --- building archives --- */

struct archive {
	char *data;
	size_t len, size;
};

static void archive_start(struct archive *a, size_t size)
{
	a->data = kzalloc(size);
	a->size = size;
	a->len = 0;
}

static void archive_add(struct archive *a, const char *name, mode_t mode, unsigned ino, unsigned nlink,
			const char *data, size_t claimed)
{
	size_t len = strlen(data);

	a->len += (size_t)scnprintf(a->data + a->len, a->size - a->len,
				    "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", ino, mode,
				    0, 0, nlink, 1000, claimed, 0, 0, 1, 3, strlen(name) + 1, 0);
	memcpy(a->data + a->len, name, strlen(name) + 1);
	a->len = ALIGN_UP(a->len + strlen(name) + 1, 4);
	memcpy(a->data + a->len, data, len);
	a->len = ALIGN_UP(a->len + len, 4);
}

static int unpack(struct archive *a)
{
	int err = initramfs_unpack(a->data, a->len, "test");

	kfree(a->data);
	return err;
}

static bool file_holds(const char *name, const char *text)
{
	struct file *file;
	char buf[64];
	ssize_t n;

	if (vfs_open(AT_FDCWD, name, O_RDONLY, 0, &file) < 0)
		return false;
	n = file_read_kernel(file, buf, sizeof(buf), 0);
	file_put(file);
	return n == (ssize_t)strlen(text) && memcmp(buf, text, (size_t)n) == 0;
}

static bool stat_of(const char *name, struct abi_stat *st)
{
	struct path path;
	int err = vfs_walk(AT_FDCWD, name, WALK_NOFOLLOW, 0, &path);

	if (err < 0)
		return false;
	err = vfs_stat(&path, st);
	path_put(&path);
	return err == 0;
}

static void archives_unpack(void)
{
	struct abi_stat a, b;
	struct archive archive;

	archive_start(&archive, 8192);
	archive_add(&archive, "fs-test", S_IFDIR | 0750, 1, 2, "", 0);
	archive_add(&archive, "fs-test/one", S_IFREG | 0640, 2, 2, "text", 4);
	archive_add(&archive, "fs-test/two", S_IFREG | 0640, 2, 2, "", 0);
	archive_add(&archive, "fs-test/sym", S_IFLNK | 0777, 3, 1, "one", 3);
	archive_add(&archive, "fs-test/null", S_IFCHR | 0666, 4, 1, "", 0);
	archive_add(&archive, "fs-test/deep/er/file", S_IFREG | 0600, 5, 1, "x", 1);
	archive_add(&archive, "TRAILER!!!", 0, 0, 1, "", 0);
	archive_add(&archive, "fs-test/one", S_IFREG | 0600, 9, 1, "later", 5);
	KTEST_EXPECT(unpack(&archive) == 0);
	KTEST_EXPECT(file_holds(DIR "/one", "later"));
	KTEST_EXPECT(file_holds(DIR "/two", "text"));
	KTEST_EXPECT(file_holds(DIR "/sym", "later"));
	KTEST_EXPECT(file_holds(DIR "/deep/er/file", "x"));
	KTEST_EXPECT(stat_of(DIR, &a) && a.mode == (S_IFDIR | 0750) && a.mtime.sec != 0);
	KTEST_EXPECT(stat_of(DIR "/null", &a) && S_ISCHR(a.mode) && a.rdev == 0x103);
	KTEST_EXPECT(stat_of(DIR "/one", &a) && stat_of(DIR "/two", &b) && a.ino != b.ino &&
		     a.mode == (S_IFREG | 0600));
	KTEST_EXPECT(vfs_unlink(AT_FDCWD, DIR "/one") == 0 && vfs_unlink(AT_FDCWD, DIR "/two") == 0);
	KTEST_EXPECT(vfs_unlink(AT_FDCWD, DIR "/sym") == 0 && vfs_unlink(AT_FDCWD, DIR "/null") == 0);
	KTEST_EXPECT(vfs_unlink(AT_FDCWD, DIR "/deep/er/file") == 0);
	KTEST_EXPECT(vfs_rmdir(AT_FDCWD, DIR "/deep/er") == 0 && vfs_rmdir(AT_FDCWD, DIR "/deep") == 0);
	KTEST_EXPECT(vfs_rmdir(AT_FDCWD, DIR) == 0);
}

static void hard_links_share_one_file(void)
{
	struct abi_stat a, b;
	struct archive archive;

	archive_start(&archive, 4096);
	archive_add(&archive, "fs-test/a", S_IFREG | 0644, 2, 2, "", 0);
	archive_add(&archive, "fs-test/b", S_IFREG | 0644, 2, 2, "late", 4);
	KTEST_EXPECT(unpack(&archive) == 0);
	KTEST_EXPECT(stat_of(DIR "/a", &a) && stat_of(DIR "/b", &b) && a.ino == b.ino && a.nlink == 2);
	KTEST_EXPECT(file_holds(DIR "/a", "late"));
	KTEST_EXPECT(vfs_unlink(AT_FDCWD, DIR "/a") == 0 && vfs_unlink(AT_FDCWD, DIR "/b") == 0);
	KTEST_EXPECT(vfs_rmdir(AT_FDCWD, DIR) == 0);
}

static void damaged_archives_are_refused(void)
{
	static const char *const names[] = { "../../../fs-escape", "TRAILER!!!/", "." };
	struct archive archive;

	archive_start(&archive, 4096);
	archive_add(&archive, "fs-bad", S_IFREG | 0644, 1, 1, "data", 0xffffffff);
	KTEST_EXPECT(unpack(&archive) == -EINVAL);
	archive_start(&archive, 4096);
	archive_add(&archive, "fs-bad", 0170000, 1, 1, "data", 4);
	KTEST_EXPECT(unpack(&archive) == -EINVAL);
	archive_start(&archive, 4096);
	archive_add(&archive, "fs-bad", S_IFREG | 0644, 1, 1, "data", 4);
	archive.len -= 3;
	KTEST_EXPECT(unpack(&archive) == -EINVAL);
	KTEST_EXPECT(initramfs_unpack("\x1f\x8b\x08\0garbage", 12, "test") == -EINVAL);
	/* Odd names stay below the root, or are refused; nothing worse. */
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		archive_start(&archive, 4096);
		archive_add(&archive, names[i], S_IFREG | 0644, 1, 1, "data", 4);
		KTEST_EXPECT(unpack(&archive) <= 0);
	}
	KTEST_EXPECT(vfs_unlink(AT_FDCWD, "/fs-escape") == 0);
}

/* --- memory that comes back --- */

/* Pages in use but for what the slabs keep for next time. */
static uint64_t pages_in_use(void)
{
	struct pmm_stats s;

	slab_reap();
	pmm_get_stats(&s);
	return s.total_pages - s.free_pages - s.used[PAGE_SLAB];
}

static void unmounting_gives_everything_back(void)
{
	uint64_t before = pages_in_use();
	struct file *file;
	char name[64];
	char *page = kzalloc(4096);

	KTEST_EXPECT(vfs_mkdir(AT_FDCWD, DIR, 0755) == 0);
	KTEST_EXPECT(vfs_mount("none", DIR, "tmpfs", 0, "size=2m") == 0);
	strlcpy(name, DIR, sizeof(name));
	for (int depth = 0; depth < 12; depth++) {
		strlcat(name, "/d", sizeof(name));
		KTEST_EXPECT(vfs_mkdir(AT_FDCWD, name, 0755) == 0);
	}
	strlcat(name, "/f", sizeof(name));
	KTEST_EXPECT(vfs_open(AT_FDCWD, name, O_CREAT | O_RDWR, 0644, &file) == 0);
	for (int i = 0; i < 512; i++)
		KTEST_EXPECT(file_write_kernel(file, page, 4096, i * 4096) == 4096);
	KTEST_EXPECT(file_write_kernel(file, page, 4096, 512 * 4096) == -ENOSPC);
	KTEST_EXPECT(vfs_umount(DIR, 0) == -EBUSY);
	file_put(file);
	KTEST_EXPECT(vfs_umount(DIR, 0) == 0);
	KTEST_EXPECT(vfs_rmdir(AT_FDCWD, DIR) == 0);
	kfree(page);
	KTEST_EXPECT(pages_in_use() == before);
}

static void truncation_gives_space_back(void)
{
	char *page = kzalloc(4096);
	struct file *file;

	KTEST_EXPECT(vfs_mkdir(AT_FDCWD, DIR, 0755) == 0);
	KTEST_EXPECT(vfs_mount("none", DIR, "tmpfs", 0, "size=64k") == 0);
	KTEST_EXPECT(vfs_open(AT_FDCWD, DIR "/f", O_CREAT | O_RDWR, 0644, &file) == 0);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 16; i++)
			KTEST_EXPECT(file_write_kernel(file, page, 4096, i * 4096) == 4096);
		KTEST_EXPECT(file_write_kernel(file, page, 1, 16 * 4096) == -ENOSPC);
		KTEST_EXPECT(vfs_truncate_file(file, 0) == 0);
	}
	file_put(file);
	KTEST_EXPECT(vfs_umount(DIR, 0) == 0);
	KTEST_EXPECT(vfs_rmdir(AT_FDCWD, DIR) == 0);
	kfree(page);
}

static void pipes_leave_nothing_behind(void)
{
	uint64_t before = pages_in_use();

	for (int i = 0; i < 1000; i++) {
		struct file *ends[2];

		if (pipe_create(O_NONBLOCK, ends) < 0) {
			KTEST_EXPECT(!"pipe_create");
			break;
		}
		KTEST_EXPECT(file_write_kernel(ends[1], "text", 4, 0) == 4);
		file_put(ends[0]);
		file_put(ends[1]);
	}
	KTEST_EXPECT(pages_in_use() == before);
}

static uint64_t objects_in(const char *cache)
{
	struct slab_stats s;

	for (size_t i = 0; slab_get_stats(i, &s); i++)
		if (strcmp(s.name, cache) == 0)
			return s.objects_used;
	return 0;
}

static void negative_entries_are_bounded(void)
{
	struct path path;
	char name[32];

	for (int i = 0; i < 30000; i++) {
		snprintf(name, sizeof(name), "/absent-%d", i);
		KTEST_EXPECT(vfs_walk(AT_FDCWD, name, 0, 0, &path) == -ENOENT);
	}
	KTEST_EXPECT(objects_in("dentry") < 10000);
}

/* Entries that nobody uses go; the one that is in use stays, and so does its parent. */
static void names_are_given_back_under_pressure(void)
{
	uint64_t many, left;
	struct path path, absent;
	char name[32];

	KTEST_EXPECT(vfs_mkdir(AT_FDCWD, DIR, 0755) == 0 && vfs_walk(AT_FDCWD, DIR, 0, 0, &path) == 0);
	for (int i = 0; i < 4000; i++) {
		snprintf(name, sizeof(name), "/absent-%d", i);
		KTEST_EXPECT(vfs_walk(AT_FDCWD, name, 0, 0, &absent) == -ENOENT);
	}
	many = objects_in("dentry");
	KTEST_EXPECT(many >= 4000);
	reclaim_everything();
	left = objects_in("dentry");
	KTEST_EXPECT(left + 3900 < many && left > 0);
	KTEST_EXPECT(vfs_path_text(&path, NULL, name, sizeof(name)) > 0 && strcmp(name, DIR) == 0);
	path_put(&path);
	KTEST_EXPECT(vfs_rmdir(AT_FDCWD, DIR) == 0);
}

static void paths_say_where_things_are(void)
{
	struct path path;
	char text[128];

	KTEST_EXPECT(vfs_mkdir(AT_FDCWD, DIR, 0755) == 0 && vfs_mkdir(AT_FDCWD, DIR "/a", 0755) == 0);
	KTEST_EXPECT(vfs_mount("none", DIR "/a", "tmpfs", 0, NULL) == 0);
	KTEST_EXPECT(vfs_mkdir(AT_FDCWD, DIR "/a/b", 0755) == 0);
	KTEST_EXPECT(vfs_walk(AT_FDCWD, DIR "/a/b/../b/.", 0, 0, &path) == 0);
	KTEST_EXPECT(vfs_path_text(&path, NULL, text, sizeof(text)) > 0 && strcmp(text, DIR "/a/b") == 0);
	KTEST_EXPECT(vfs_path_text(&path, NULL, text, 5) == -ENAMETOOLONG);
	KTEST_EXPECT(vfs_umount(DIR "/a", 0) == -EBUSY);
	path_put(&path);
	KTEST_EXPECT(vfs_rmdir(AT_FDCWD, DIR "/a") == -EBUSY);
	KTEST_EXPECT(vfs_umount(DIR "/a", 0) == 0);
	KTEST_EXPECT(vfs_umount(DIR "/a", 0) == -EINVAL);
	KTEST_EXPECT(vfs_rmdir(AT_FDCWD, DIR "/a") == 0 && vfs_rmdir(AT_FDCWD, DIR) == 0);
}

static const struct ktest_case cases[] = {
	{ "archives unpack with links, devices and later files winning", archives_unpack },
	{ "hard links in an archive share one file", hard_links_share_one_file },
	{ "damaged archives are refused", damaged_archives_are_refused },
	{ "unmounting gives everything back", unmounting_gives_everything_back },
	{ "truncation gives space back", truncation_gives_space_back },
	{ "pipes leave nothing behind", pipes_leave_nothing_behind },
	{ "negative entries are bounded", negative_entries_are_bounded },
	{ "names are given back under pressure", names_are_given_back_under_pressure },
	{ "paths say where things are", paths_say_where_things_are },
};

KTEST_SUITE("fs", cases);
