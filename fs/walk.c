/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The path walk.
 *
 * walk_cached() runs through as many cached, ordinary directories as it can under one acquisition of
 * the dcache lock, without touching a reference count in between.  Whatever is not ordinary - a miss, a
 * symlink, a denied search, "..", a name too long - makes it stop in front of that component, and
 * walk_step() handles it the slow way, with all the errors.  The two agree because the fast one only
 * ever skips work that the slow one would do with the same result.
 */
#include "climb.h"

#include <kernel/cap.h>
#include <kernel/confine.h>
#include <kernel/process.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/unsupported.h>

#include "pathname.h"

/* Room for a symlink's target and what is left of the path it stood in. */
#define TEXT_SIZE (2 * PATH_MAX)

/* --- start and end ---------------------------------------------------------------------------------------
 */

/* What was taken from a directory's capability is taken from all that is reached through it; then the walk
 * may not leave it, or that would mean nothing. */
static void limit_to(struct walk *w, const struct file *file, uint32_t granted)
{
	uint32_t lost = file_rights_lost(file, granted);

	if (likely(!lost && !confine_capability_mode()))
		return;
	w->judged = w->beneath = true;
	w->via = ~lost & file->rights_max;
	w->base = w->at;
	path_get(&w->base);
}

/* At the process's root or current directory; kernel threads have neither. */
static void start_from_own(struct walk *w)
{
	w->from = fs_current();
	w->at = (struct path){ NULL, NULL };
	if (unlikely(!w->from)) {
		system_root(&w->at);
		w->root = w->at;
	}
}

/* Where is that?  Caller holds dcache_lock, and takes the reference before it lets go of it. */
static void look_where_from_locked(struct walk *w)
{
	const struct fs_context *fs = w->from;

	w->from = NULL;
	w->root = fs->root;
	w->at = *w->cursor == '/' ? fs->root : fs->cwd;
}

/* Only where ".." ends, for a walk that begins elsewhere. */
static void find_root(struct walk *w)
{
	const struct fs_context *fs = fs_current();

	if (unlikely(!fs)) {
		system_root(&w->root);
		path_put(&w->root);
		return;
	}
	spin_lock(&dcache_lock);
	w->root = fs->root;
	spin_unlock(&dcache_lock);
}

static int start_from_fd(struct walk *w, int dirfd, const char *name)
{
	struct file_use use;
	struct file *file;
	uint32_t granted;
	int err = file_use(dirfd, 0, &use);

	if (err < 0)
		return err;
	file = use.file;
	granted = atomic_load(&use.cap->rights);
	if (!file->dentry || (*name != '\0' && !S_ISDIR(file->vnode->mode))) {
		err = -ENOTDIR;
	} else if (*name && !(granted & CAP_LOOKUP)) {
		err = -EPERM;
	} else {
		w->at.mount = file->mount;
		w->at.dentry = file->dentry;
		path_get(&w->at);
		limit_to(w, file, granted);
		w->dir = use.cap;
		return 0;
	}
	file_done(&use);
	return err;
}

static void begin(struct walk *w, const char *name, const struct credentials *cred, bool own_root)
{
	w->own_root = own_root;
	w->cred = cred;
	w->from = NULL;
	w->links = 0;
	w->cursor = name;
	w->text = NULL;
	w->dir = NULL;
	w->judged = w->beneath = false;
	w->via = ~0u;
	w->resolve = 0;
}

int walk_start(struct walk *w, int dirfd, const char *name, const struct credentials *cred)
{
	const struct confine *confine = current_confine();

	bool own = *name == '/' || dirfd == AT_FDCWD;

	begin(w, name, cred, false);
	if (unlikely(confine != NULL)) {
		w->judged = confine->deny & CONFINE_NO_PATHS;
		if (confine->capability_mode && own)
			return -EPERM;
	}
	if (likely(own)) {
		start_from_own(w);
		return 0;
	}
	find_root(w);
	return start_from_fd(w, dirfd, name);
}

void walk_start_at(struct walk *w, const struct path *start, const char *name, const struct credentials *cred)
{
	begin(w, name, cred, true);
	w->root = w->at = *start;
	path_get(start);
}

/* Find out where it begins before its first step. */
static void settle(struct walk *w)
{
	if (!w->from)
		return;
	spin_lock(&dcache_lock);
	look_where_from_locked(w);
	path_get(&w->at);
	spin_unlock(&dcache_lock);
}

/* RESOLVE_BENEATH forbids to leave where the walk began, RESOLVE_IN_ROOT makes that its root. */
#define RESOLVE_SCOPED (RESOLVE_BENEATH | RESOLVE_IN_ROOT)

void walk_resolve(struct walk *w, uint32_t resolve)
{
	w->resolve = resolve;
	if (resolve & RESOLVE_NO_SYMLINKS)
		w->links = SYMLINKS_MAX;
	if (resolve & RESOLVE_SCOPED) {
		settle(w);
		w->root = w->scope = w->at;
		w->own_root = true;
		path_get(&w->scope);
	}
}

void walk_end(struct walk *w)
{
	path_put(&w->at);
	walk_release(w);
}

void walk_release(struct walk *w)
{
	if (unlikely(w->beneath))
		path_put(&w->base);
	if (unlikely(w->resolve & RESOLVE_SCOPED))
		path_put(&w->scope);
	if (unlikely(w->text))
		kfree(w->text);
	if (unlikely(w->dir))
		cap_done(w->dir);
}

/* --- limits --- */

uint32_t walk_rights(const struct walk *w, const struct path *place)
{
	return likely(!w->judged) ? ~0u : w->via & confine_rights_at(current_confine(), place);
}

/* Directories above a rule's place are no secret, and programs want to look at them: mkdir -p,
 * realpath(3). */
static bool on_the_way(const struct path *place)
{
	return confine_leads_to(current_confine(), place);
}

/* Directories may have been moved since the walk passed through them: where it has led is what counts. */
int walk_judge(const struct walk *w, const struct path *place, uint32_t rights)
{
	uint32_t allowed;

	if (!w->judged)
		return 0;
	allowed = confine_rights_at(current_confine(), place);
	if ((allowed == 0 || (rights & ~allowed)) && !(rights == CAP_STAT && on_the_way(place))) {
		cap_audit(CAP_EVENT_DENIAL, NULL, "path outside");
		return -EACCES;
	}
	if (w->beneath && ((rights & ~w->via) || !path_is_below(place, &w->base))) {
		cap_audit(CAP_EVENT_DENIAL, NULL, "right of directory");
		return -EPERM;
	}
	return 0;
}

/* May the walk go up from where it is?  Below a directory it does not leave that; when confined, ".." does not tell
 * what there is outside of the rules. */
static int may_climb(const struct walk *w)
{
	const struct confine *c = current_confine();

	bool at_base = w->at.dentry == w->base.dentry && w->at.mount == w->base.mount;

	if (w->beneath && (at_base || !path_is_below(&w->at, &w->base)))
		return -EPERM;
	return confine_rights_at(c, &w->at) || confine_leads_to(c, &w->at) ? 0 : -EACCES;
}

/* --- the fast part --- */

/* Down to the topmost mount on `place`; caller holds dcache_lock. */
static void cross_down_locked(struct path *place)
{
	while (place->dentry->mounted) {
		struct mount *m;

		spin_lock(&mount_lock);
		m = mount_find_locked(place->mount, place->dentry);
		spin_unlock(&mount_lock);
		if (!m)
			return;
		place->mount = m;
		place->dentry = m->root;
	}
}

/* May everybody search it, without a look at who asks?  Else by the rules. */
static inline bool may_search(const struct walk *w, const struct vnode *dir)
{
	return (dir->mode & 0111) == 0111 || vnode_permission(dir, w->cred, MAY_EXEC) == 0;
}

/* The end of the name at `p`, and its hash in `dir`. */
static inline const char *scan_name(const struct dentry *dir, const char *p, uint32_t *hash)
{
	uint32_t h = dentry_hash_start(dir);

	for (; *p && *p != '/'; p++)
		h = dentry_hash_step(h, *p);
	*hash = dentry_hash_end(h);
	return p;
}

static inline bool is_dot_or_dotdot(const char *name, size_t len)
{
	return name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'));
}

/* One component; false: stop in front of it.  `inner`: it must be a directory, so links are followed. */
static inline bool cached_step(const struct walk *w, struct path *at, const char *name, size_t len,
			       uint32_t hash, bool inner)
{
	const struct vnode *dir = at->dentry->vnode;
	struct dentry *next;

	if (!S_ISDIR(dir->mode) || is_dot_or_dotdot(name, len) || len > NAME_MAX || !may_search(w, dir))
		return false;
	next = dentry_find_locked(at->dentry, name, len, hash);
	if (!next || !next->vnode || (inner && S_ISLNK(next->vnode->mode)))
		return false;
	if (unlikely(next->mounted) && (w->resolve & RESOLVE_NO_XDEV))
		return false;
	next->recent = true;
	at->dentry = next;
	cross_down_locked(at);
	return true;
}

/*
 * The end of a run of steps.  Both let go of dcache_lock.  umount passes through that after it took a mount
 * out of the table and before it lets go of it, so the mounts met on the way are still alive.
 */
static inline void settle_at_locked(struct walk *w, const struct path *at)
{
	path_get(at);
	spin_unlock(&dcache_lock);
	w->at = *at;
}

/* The same where the walk has a reference on the place it leaves. */
static inline void move_to_locked(struct walk *w, const struct path *at)
{
	struct path left = w->at;
	bool crossed = at->mount != left.mount;

	if (at->dentry == left.dentry && !crossed) {
		spin_unlock(&dcache_lock);
		return;
	}
	dentry_get(at->dentry);
	if (crossed)
		mount_get(at->mount);
	spin_unlock(&dcache_lock);
	w->at = *at;
	dentry_put(left.dentry);
	if (crossed)
		mount_put(left.mount);
}

/* Advance over cached components; the last one is left alone if `stop_at_last`. */
static void walk_cached(struct walk *w, bool follow, bool stop_at_last, bool *slash)
{
	const char *p = w->cursor;
	bool begins = w->from;
	struct path at;

	spin_lock(&dcache_lock);
	if (begins)
		look_where_from_locked(w);
	at = w->at;
	for (;;) {
		const char *name, *behind;
		uint32_t hash;

		while (*p == '/')
			p++;
		if (!*p)
			break;
		name = p;
		p = behind = scan_name(at.dentry, name, &hash);
		while (*p == '/')
			p++;
		if ((stop_at_last && !*p) ||
		    !cached_step(w, &at, name, (size_t)(behind - name), hash, follow || *behind == '/'))
			break;
		*slash = *behind == '/';
		w->cursor = p;
	}
	if (begins)
		settle_at_locked(w, &at);
	else
		move_to_locked(w, &at);
}

/* --- the slow part --- */

int walk_cross_down(struct walk *w)
{
	const struct mount *before = w->at.mount;

	mount_cross_down(&w->at);
	return unlikely(w->resolve & RESOLVE_NO_XDEV) && w->at.mount != before ? -EXDEV : 0;
}

static int step_up(struct walk *w)
{
	struct dentry *parent;
	bool shown;

	for (;;) {
		if (w->at.dentry == w->root.dentry && w->at.mount == w->root.mount)
			return w->resolve & RESOLVE_BENEATH ? -EXDEV : 0;
		if (w->at.dentry != w->at.mount->root)
			break;
		if (w->resolve & RESOLVE_NO_XDEV)
			return -EXDEV;
		if (!mount_cross_up(&w->at))
			return 0;
	}
	spin_lock(&dcache_lock);
	parent = w->at.dentry->parent;
	shown = climb_shows_locked(w->at.mount, parent);
	if (shown)
		dentry_get(parent);
	spin_unlock(&dcache_lock);
	if (!shown) /* it was moved out of what the mount shows of its file system */
		return -ENOENT;
	dentry_put(w->at.dentry);
	w->at.dentry = parent;
	return walk_cross_down(w);
}

/* "..": somebody may have moved the directory meanwhile, and with it the walk out of where it is to stay. */
static int climb(struct walk *w)
{
	int err = unlikely(w->judged) ? may_climb(w) : 0;

	if (err == 0)
		err = step_up(w);
	if (err == 0 && unlikely(w->resolve & RESOLVE_SCOPED) && !path_is_below(&w->at, &w->scope))
		err = -EAGAIN;
	return err;
}

/* What RESOLVE_* says to a link that leads to an object, as those of /proc do. */
static int check_object_link(const struct walk *w, const struct path *to)
{
	if (w->resolve & RESOLVE_NO_MAGICLINKS)
		return -ELOOP;
	if ((w->resolve & RESOLVE_NO_XDEV) && to->mount != w->at.mount)
		return -EXDEV;
	return w->resolve & RESOLVE_SCOPED ? -EXDEV : 0;
}

/* Each takes over the reference on the link and drops it before it leaves the directory: what keeps the
 * link's file system mounted is w->at. */
static int follow_object(struct walk *w, struct dentry *link)
{
	struct path to;
	int err = link->vnode->ops->follow(link->vnode, &to);

	dentry_put(link);
	if (err < 0)
		return err;
	err = unlikely(w->resolve) ? check_object_link(w, &to) : 0;
	if (err < 0) {
		path_put(&to);
		return err;
	}
	path_put(&w->at);
	w->at = to;
	return 0;
}

/* An absolute link: from the root again, which may even be another one by now. */
static void restart_at_root(struct walk *w)
{
	path_put(&w->at);
	if (w->own_root) {
		w->at = w->root;
		path_get(&w->at);
	} else {
		start_from_own(w); /* the text begins with a slash */
	}
}

/* Put the link's text before the rest of the path. */
static int splice_link(struct walk *w, struct vnode *link, bool slash)
{
	char *target;
	ssize_t len;
	int err = 0;

	if (!link->ops->readlink)
		return -EINVAL;
	target = kmalloc(PATH_MAX);
	if (!target)
		return -ENOMEM;
	if (!w->text) {
		w->text = kmalloc(TEXT_SIZE);
		if (!w->text) {
			kfree(target);
			return -ENOMEM;
		}
		w->text[0] = '\0';
	}
	len = link->ops->readlink(link, target, PATH_MAX);
	if (len < 0)
		err = (int)len;
	else if (len == 0)
		err = -ENOENT;
	else if (!path_splice(w->text, TEXT_SIZE, target, w->cursor, slash))
		err = -ENAMETOOLONG;
	kfree(target);
	return err;
}

static int follow_text(struct walk *w, struct dentry *link, bool slash)
{
	int err = splice_link(w, link->vnode, slash);

	dentry_put(link);
	if (err < 0)
		return err;
	w->cursor = w->text;
	if (*w->text != '/')
		return 0;
	if (unlikely(w->beneath))
		return -EPERM;
	if (unlikely(w->resolve & RESOLVE_BENEATH) ||
	    (unlikely(w->resolve & RESOLVE_NO_XDEV) && w->at.mount != w->root.mount))
		return -EXDEV;
	restart_at_root(w);
	return 0;
}

int walk_follow(struct walk *w, struct dentry *link, bool slash)
{
	if (w->links++ >= SYMLINKS_MAX) {
		dentry_put(link);
		return -ELOOP;
	}
	if (!link->vnode->ops->follow)
		return follow_text(w, link, slash);
	if (unlikely(w->beneath)) {
		dentry_put(link);
		return -EPERM;
	}
	return follow_object(w, link);
}

/* The entry of a component; RESOLVE_CACHED asks no file system for it. */
static int look_up(const struct walk *w, const struct component *c, struct dentry **out)
{
	if (likely(!(w->resolve & RESOLVE_CACHED)))
		return dentry_lookup(w->at.dentry, c->text, c->len, false, out);
	*out = dentry_find(w->at.dentry, c->text, c->len);
	if (*out && (*out)->vnode)
		return 0;
	if (*out)
		dentry_put(*out);
	return -EAGAIN;
}

static int walk_step(struct walk *w, const struct component *c, bool follow)
{
	struct dentry *next;
	int err;

	if (!S_ISDIR(w->at.dentry->vnode->mode))
		return -ENOTDIR;
	err = vnode_permission(w->at.dentry->vnode, w->cred, MAY_EXEC);
	if (err < 0)
		return err;
	if (c->kind == COMPONENT_DOT)
		return 0;
	if (c->kind == COMPONENT_DOTDOT)
		return climb(w);
	if (c->len > NAME_MAX)
		return -ENAMETOOLONG;
	err = look_up(w, c, &next);
	if (err < 0)
		return err;
	if (!next->vnode) {
		dentry_put(next);
		return -ENOENT;
	}
	if (S_ISLNK(next->vnode->mode) && (follow || c->slash || !c->last))
		return walk_follow(w, next, c->last && c->slash);
	dentry_put(w->at.dentry);
	w->at.dentry = next;
	return walk_cross_down(w);
}

/* What the cached part has left of it. */
static __noinline int walk_rest(struct walk *w, bool follow, bool *slash)
{
	while (*w->cursor) {
		struct component c;
		int err;

		path_component(&w->cursor, &c);
		if (c.kind == COMPONENT_NONE)
			return 0;
		*slash = c.slash || c.kind != COMPONENT_NORMAL;
		err = walk_step(w, &c, follow);
		if (err < 0)
			return err;
		walk_cached(w, follow, false, slash);
	}
	return 0;
}

int walk_all(struct walk *w, bool follow, bool *slash)
{
	*slash = *w->cursor == '/';
	walk_cached(w, follow, false, slash);
	return likely(!*w->cursor) ? 0 : walk_rest(w, follow, slash);
}

int walk_parent(struct walk *w, struct last_name *last)
{
	bool slash;

	for (;;) {
		const char *before;
		struct component c;
		int err;

		walk_cached(w, true, true, &slash);
		before = w->cursor;
		path_component(&w->cursor, &c);
		if (c.kind == COMPONENT_NONE) {
			*last = (struct last_name){ .type = LAST_ROOT, .text = before };
			return 0;
		}
		if (c.last) {
			*last = (struct last_name){ (enum last_type)c.kind, c.slash, c.len, c.text };
			break;
		}
		err = walk_step(w, &c, true);
		if (err < 0)
			return err;
	}
	if (!S_ISDIR(w->at.dentry->vnode->mode))
		return -ENOTDIR;
	return vnode_permission(w->at.dentry->vnode, w->cred, MAY_EXEC);
}
_Static_assert((int)LAST_NORMAL == COMPONENT_NORMAL && (int)LAST_DOT == COMPONENT_DOT &&
		       (int)LAST_DOTDOT == COMPONENT_DOTDOT,
	       "the two enums run in step");

/* --- the public face --- */

static int walk_as(int dirfd, const char *name, unsigned flags, uint32_t rights,
		   const struct credentials *cred, struct path *out)
{
	struct walk w __attribute__((uninitialized));
	bool slash;
	int err = walk_start(&w, dirfd, name, cred);

	if (err < 0)
		return err;
	if (unlikely(flags & WALK_NO_LINKS))
		w.links = SYMLINKS_MAX;
	err = walk_all(&w, !(flags & WALK_NOFOLLOW), &slash);
	if (err == 0 && (slash || (flags & WALK_DIRECTORY)) && !S_ISDIR(w.at.dentry->vnode->mode))
		err = -ENOTDIR;
	err = walk_finish(&w, err, rights);
	if (unlikely(err < 0)) {
		walk_end(&w);
		return err;
	}
	walk_release(&w);
	*out = w.at; /* with its references */
	return 0;
}

static __noinline int walk_as_real_user(int dirfd, const char *name, unsigned flags, uint32_t rights,
					struct path *out)
{
	struct credentials real = *fs_cred();

	cred_as_real_user(&real);
	return walk_as(dirfd, name, flags, rights, &real, out);
}

int vfs_walk(int dirfd, const char *name, unsigned flags, uint32_t rights, struct path *out)
{
	int err;

	if (!*name && !(flags & WALK_EMPTY))
		return -ENOENT;
	if (unlikely(flags & WALK_REAL_IDS))
		return walk_as_real_user(dirfd, name, flags, rights, out);
	err = walk_as(dirfd, name, flags, rights, fs_cred(), out);
	if (unlikely(err == -ENOENT))
		unsupported_note_path(name);
	return err;
}

int vfs_walk_system(const char *name, struct path *out)
{
	struct path root;
	struct walk w;
	bool slash;
	int err;

	system_root(&root);
	walk_start_at(&w, &root, name, &kernel_cred);
	err = walk_all(&w, true, &slash);
	path_put(&root);
	if (err < 0) {
		walk_end(&w);
		return err;
	}
	walk_release(&w);
	*out = w.at;
	return 0;
}

bool vfs_path_removed(const struct path *path)
{
	return READ_ONCE(path->dentry->removed);
}

/* Prepends to a buffer from its end. */
struct backwards {
	char *start, *at;
	bool full;
};

static void prepend(struct backwards *b, const char *text, size_t len)
{
	if ((size_t)(b->at - b->start) < len) {
		b->full = true;
		return;
	}
	b->at -= len;
	memcpy(b->at, text, len);
}

/* Caller holds dcache_lock. */
static void path_text_locked(struct backwards *b, struct mount *mount, struct dentry *dentry,
			     const struct path *root)
{
	while (!b->full && (!root || dentry != root->dentry || mount != root->mount)) {
		if (dentry == mount->root) {
			struct mount *parent;

			spin_lock(&mount_lock);
			parent = mount->parent;
			if (parent)
				dentry = mount->mountpoint;
			spin_unlock(&mount_lock);
			if (!parent)
				return;
			mount = parent;
			continue;
		}
		if (dentry->parent == dentry)
			return;
		prepend(b, dentry->name, dentry->len);
		prepend(b, "/", 1);
		dentry = dentry->parent;
	}
}

ssize_t dentry_path_text(const struct dentry *dentry, char *buf, size_t size)
{
	struct backwards b = { buf, buf + size, false };
	size_t len;

	prepend(&b, "", 1);
	spin_lock(&dcache_lock);
	if (dentry->parent == dentry)
		prepend(&b, "/", 1);
	for (; !b.full && dentry->parent != dentry; dentry = dentry->parent) {
		prepend(&b, dentry->name, dentry->len);
		prepend(&b, "/", 1);
	}
	spin_unlock(&dcache_lock);
	if (b.full)
		return -ENAMETOOLONG;
	len = (size_t)(buf + size - b.at);
	memmove(buf, b.at, len);
	return (ssize_t)len - 1;
}

ssize_t vfs_path_text(const struct path *path, const struct path *root, char *buf, size_t size)
{
	static const char deleted[] = " (deleted)";
	struct backwards b = { buf, buf + size, false };
	size_t len;

	if (size == 0)
		return -ENAMETOOLONG;
	prepend(&b, "", 1);
	if (path->dentry->removed)
		prepend(&b, deleted, sizeof(deleted) - 1);
	/* A dentry without a parent that is no mount's root is an object without a place: its name says
	 * what it is. */
	if (path->dentry->parent == path->dentry && path->dentry->name[0] != '/') {
		prepend(&b, path->dentry->name, path->dentry->len);
	} else {
		spin_lock(&dcache_lock);
		path_text_locked(&b, path->mount, path->dentry, root);
		spin_unlock(&dcache_lock);
		if (*b.at != '/')
			prepend(&b, "/", 1);
	}
	if (b.full)
		return -ENAMETOOLONG;
	len = (size_t)(buf + size - b.at);
	memmove(buf, b.at, len);
	return (ssize_t)len - 1;
}
