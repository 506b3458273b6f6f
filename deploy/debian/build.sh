#!/bin/sh
# Makes a .deb: build.sh PROGRAM ARCHITECTURE VERSION OUT.deb [RUNS]
#
# PROGRAM is for ARCHITECTURE (amd64, arm64). RUNS is the same version for this machine, which writes man pages and completions; it
# is PROGRAM where nothing else is said. The same input gives the same bytes, with the time of SOURCE_DATE_EPOCH in them. COMPRESS=none
# is for who has no time.
set -eu
program=$1 arch=$2 version=$3 out=$4 runs=${5:-$1}
here=$(cd "$(dirname "$0")/.." && pwd)
: "${SOURCE_DATE_EPOCH:=$(git -C "$here" log -1 --format=%ct)}"
export SOURCE_DATE_EPOCH
umask 022
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

put() { install -D -m "$1" "$2" "$root/$3"; }
put 755 "$program" usr/bin/coopnode
put 644 "$here/coopnode.service" lib/systemd/system/coopnode.service
put 644 "$here/coopnode.sysusers" usr/lib/sysusers.d/coopnode.conf
put 644 "$here/debian/copyright" usr/share/doc/coopnode/copyright
put 644 "$here/debian/lintian-overrides" usr/share/lintian/overrides/coopnode
for f in Caddyfile nginx.conf litestream.yml; do
	if [ -e "$here/$f" ]; then put 644 "$here/$f" "usr/share/doc/coopnode/examples/$f"; fi
done

mkdir -p "$root/usr/share/bash-completion/completions" "$root/usr/share/zsh/vendor-completions" "$root/usr/share/fish/vendor_completions.d"
"$runs" completion bash >"$root/usr/share/bash-completion/completions/coopnode"
"$runs" completion zsh >"$root/usr/share/zsh/vendor-completions/_coopnode"
"$runs" completion fish >"$root/usr/share/fish/vendor_completions.d/coopnode.fish"
"$runs" man "$root/usr/share/man/man1"
mkdir "$root/usr/share/man/man5"
mv "$root"/usr/share/man/man1/*.5 "$root/usr/share/man/man5"
gzip -9n "$root"/usr/share/man/man?/*
"$runs" version --sbom >"$root/usr/share/doc/coopnode/coopnode.cdx.json"

maintainer="coopnode <coopnode@coopnode.example>"
{
	printf 'coopnode (%s) unstable; urgency=medium\n\n  * See: coopnode help start\n\n' "$version"
	printf ' -- %s  %s\n' "$maintainer" "$(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")"
} | gzip -9n >"$root/usr/share/doc/coopnode/changelog.gz"

mkdir "$root/DEBIAN"
(cd "$root" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | LC_ALL=C sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
install -m 755 "$here/debian/postinst" "$here/debian/prerm" "$here/debian/postrm" "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<END
Package: coopnode
Version: $version
Architecture: $arch
Maintainer: $maintainer
Installed-Size: $(du -sk --apparent-size --exclude=DEBIAN "$root" | cut -f1)
Depends: adduser
Recommends: ca-certificates
Section: net
Priority: optional
Homepage: https://github.com/coopnode/coopnode
Description: node of the fediverse for a worker cooperative
 coopnode publishes the profile, posts, projects and openings of a worker
 cooperative over ActivityPub, follows others and is followed, and passes on
 what the members of a federation offer.
 .
 After installing: sudo coopnode init coop.example
END
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
dpkg-deb -Z"${COMPRESS:-xz}" --root-owner-group --build "$root" "$out" >/dev/null
echo "$out"
