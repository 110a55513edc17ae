/**
 * Changes a tree at random, by a seed, or tells all that a program can see of it; runs in a box as `python3 tree.py change SEED` and `… list`. The
 * directories are of the image, so that there is something to hide and to begin anew. With `sharing` files of a layer below get more names, and
 * such with several are written to: under gVisor these are one file to programs then, and two on the disk. Times are told then too: those of
 * gVisor's own clock can be a second beside those on the disk.
 */
export const treeScript = `
import hashlib, os, random, shutil, stat, sys

roots = ["/srv", "/usr/share/perl5", "/usr/share/zoneinfo/Europe"]

def entries(root):
    for parent, directories, files in os.walk(root):
        directories.sort()
        for name in sorted(directories + files):
            yield os.path.join(parent, name)

def attributes(path):
    try:
        return [(name, os.getxattr(path, name, follow_symlinks=False)) for name in sorted(os.listxattr(path, follow_symlinks=False))]
    except OSError:
        return []

def tell(path, seen):
    found = os.lstat(path)
    kind = stat.S_IFMT(found.st_mode)
    content = ""
    if kind == stat.S_IFREG:
        content = hashlib.sha256(open(path, "rb").read()).hexdigest()
        # Two names of one file stay so.
        content += " " + seen.setdefault(found.st_ino, path)
    elif kind == stat.S_IFLNK:
        content = os.readlink(path)
    return " ".join(map(str, (path, oct(found.st_mode), found.st_uid, found.st_gid, int(found.st_mtime) if sharing else "", attributes(path), content)))

def draw(draws, path):
    choice = draws.randrange(13)
    here = os.path.join(path, "n%d" % draws.randrange(1000))
    if choice < 3:
        os.mkdir(here, draws.choice([0o755, 0o2775, 0o1777, 0o700]))
        for number in range(draws.randrange(6)):
            with open(os.path.join(here, "f%d" % number), "wb") as file:
                file.write(draws.randbytes(draws.choice([0, 5, 3000, 70000])))
    elif choice < 5:
        with open(here, "wb") as file:
            file.write(draws.randbytes(draws.choice([0, 5, 3000, 70000])))
        os.chmod(here, draws.choice([0o644, 0o4755, 0o600]))
        os.chown(here, draws.randrange(3000), draws.randrange(3000))
        os.chmod(here, draws.choice([0o644, 0o4755, 0o600]))
    elif choice == 5:
        os.symlink(draws.choice(["gone", "/etc/passwd"]), here)
    elif choice == 6:
        shutil.rmtree(path)
    elif choice == 7:
        # Begins anew under its old name.
        shutil.rmtree(path)
        os.mkdir(path)
        open(os.path.join(path, "only"), "w").close()
    elif choice == 8:
        shutil.rmtree(path)
        open(path, "w").write("a file now")
    elif choice == 9:
        os.rename(path, here.replace(path, path + "-moved"))
    else:
        files = [os.path.join(path, name) for name in sorted(os.listdir(path))]
        files = [name for name in files if os.path.isfile(name) and not os.path.islink(name)]
        if not files:
            return
        file = draws.choice(files)
        if choice == 10:
            os.unlink(file)
        elif choice == 11:
            if not sharing:
                file = here + "-first"
                open(file, "wb").write(draws.randbytes(3000))
            os.link(file, here)
        elif os.stat(file).st_nlink > 1 and not sharing:
            return
        else:
            with open(file, "ab") as more:
                more.write(b"more")
            try:
                os.setxattr(file, "user.note", draws.randbytes(8))
                os.setxattr(file, "security.capability", bytes.fromhex("0100000200200000000000000000000000000000"))
            except OSError:
                pass

def change(seed):
    draws = random.Random(seed)
    for _ in range(25):
        directories = [path for root in roots for path in entries(root) if os.path.isdir(path) and not os.path.islink(path)]
        try:
            draw(draws, draws.choice(directories + roots[:1]) if draws.random() < 0.8 else draws.choice(roots))
        except OSError as error:
            pass
        for root in roots:
            if not os.path.isdir(root) or os.path.islink(root):
                if os.path.lexists(root):
                    os.unlink(root)
                os.makedirs(root)

sharing = "sharing" in sys.argv
if sys.argv[1] == "change":
    change(int(sys.argv[2]))
else:
    seen = {}
    for root in roots:
        print(tell(root, seen))
        for path in entries(root):
            print(tell(path, seen))
`;
