"""Makes thumbnails of pictures that people upload: thumbnailer.py DIRECTORY NAME WIDTH"""
import os
import subprocess
import sys
import tempfile


def convert(source, target, width):
    os.system("convert " + source + " -resize " + str(width) + " " + target)


def identify(source):
    command = "identify -format %wx%h {}".format(source)
    return subprocess.check_output(command, shell=True, text=True)


def checksum(source):
    return subprocess.run(["sha256sum", "--", source], capture_output=True, text=True, check=True).stdout


def scratch_file():
    return tempfile.mktemp(suffix=".png")


def main():
    directory, name, width = sys.argv[1], sys.argv[2], sys.argv[3]
    source = os.path.join(directory, name)
    print(identify(source))
    print(checksum(source))
    target = scratch_file()
    convert(source, target, int(width))
    os.chmod(target, 0o777)
    print(target)


if __name__ == "__main__":
    main()
