#!/usr/bin/env bash
# usage: systemd_boot.sh FOLDER   Boots the systemd of this machine as PID 1 of namespaces of its own, on a view of this system in
# which nothing that is written lasts, with no units but its own; prints what it does until it is ended. Needs root. FOLDER: empty.
set -euo pipefail
folder=$1
own_group() { awk -F: -v name="$1" '{ n = split($2, names, ","); for (i = 1; i <= n; i++) if (names[i] == name) print $3 }' /proc/self/cgroup; }

# A control group of its own in each hierarchy, which is then the root that it sees.
if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then
  groups=("/sys/fs/cgroup$(awk -F: '$1 == 0 { print $3 }' /proc/self/cgroup)/aquilon-systemd-test-$$")
else
  groups=("/sys/fs/cgroup/systemd$(own_group name=systemd)/aquilon-systemd-test-$$")
  for name in memory pids; do
    [[ ! -d /sys/fs/cgroup/$name ]] || groups+=("/sys/fs/cgroup/$name$(own_group $name)/aquilon-systemd-test-$$")
  done
fi
printf '%s\n' "${groups[@]}" >"$folder/groups" # to be removed by whoever ends it
for group in "${groups[@]}"; do
  mkdir -p "$group"
  echo $$ >"$group/cgroup.procs"
done

exec unshare --mount --pid --cgroup --uts --ipc --net --fork --kill-child --propagation private bash -euc '
  folder=$0
  root=$folder/root
  mkdir "$folder/written" "$root"
  mount -t tmpfs tmpfs "$folder/written"
  mkdir "$folder/written/upper" "$folder/written/work"
  mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/written/upper,workdir=$folder/written/work" "$root"
  mount -t proc proc "$root/proc"
  mount -t sysfs -o ro sysfs "$root/sys"
  if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
  else
    mount -t tmpfs -o mode=755 tmpfs "$root/sys/fs/cgroup"
    mkdir "$root"/sys/fs/cgroup/{systemd,memory,pids}
    mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd"
    for name in memory pids; do mount -t cgroup -o $name cgroup "$root/sys/fs/cgroup/$name" || rmdir "$root/sys/fs/cgroup/$name"; done
  fi
  mount -t tmpfs -o mode=755 tmpfs "$root/dev"
  for name in null zero full random urandom tty; do
    touch "$root/dev/$name"
    mount --bind "/dev/$name" "$root/dev/$name"
  done
  ln -s /proc/self/fd "$root/dev/fd"
  mkdir "$root/dev/shm" "$root/dev/pts"
  mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
  ln -s pts/ptmx "$root/dev/ptmx"
  touch "$root/dev/console"
  for name in dev/shm run tmp; do mount -t tmpfs tmpfs "$root/$name"; done
  chmod 1777 "$root/tmp" "$root/dev/shm"
  rm -rf "$root"/etc/systemd/{system,system.conf.d}
  mkdir -p "$root/etc/systemd/system" "$root/srv/given"
  mount --bind "$folder/given" "$root/srv/given"
  printf "[Unit]\nRequires=dbus.socket systemd-journald.service\nAllowIsolate=yes\n" >"$root/etc/systemd/system/aquilon-test.target"
  ip link set lo up
  cd "$root"
  mkdir .old
  pivot_root . .old
  umount -l /.old
  exec env -i container=aquilon-test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --unit=aquilon-test.target --log-target=journal --show-status=false' "$folder"
