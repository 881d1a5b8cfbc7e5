# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the lab's machine is made of: packages, modules, kernels. A change here makes a new cache entry."""

SUITE = "bookworm"
KERNELS = ("backports", "stable")  # the order in which they are tried when none is named

PACKAGES = """
    systemd udev kmod dmsetup sg3-utils sg3-utils-udev fio lsscsi util-linux jq python3 strace e2fsprogs
    iproute2 iptables open-iscsi nvme-cli lvm2 procps psmisc bash-builtins
    libdevmapper1.02.1 libudev1 libaio1 libsgutils2-1.46-2 libsystemd0 libfmt9 libedit2 libstdc++6
    libasan8 libubsan1 libtsan2
""".split()

# Documentation and translations are of no use in the guest.
EXCLUDED_PATHS = """
    /usr/share/man/* /usr/share/doc/* /usr/share/locale/* /usr/share/info/* /usr/share/i18n/*
    /usr/share/zoneinfo/* /usr/share/fio/*
""".split()

# Modules that must be there before the root file system and the shares can be mounted; loaded with what they need.
BOOT_MODULES = "virtio_pci virtio_blk ext4 virtio_console 9p 9pnet_virtio".split()

# Drivers for hardware that the machine does not have: three quarters of the kernel package.
EXCLUDED_MODULES = """
    drivers/gpu drivers/media drivers/staging drivers/iio drivers/input drivers/usb drivers/hid drivers/bluetooth
    drivers/net/wireless drivers/net/ethernet drivers/net/can drivers/net/usb drivers/hwmon drivers/leds drivers/mfd
    drivers/regulator drivers/i2c drivers/spi drivers/platform drivers/video drivers/mtd drivers/comedi drivers/isdn
    drivers/thunderbolt drivers/accel drivers/power drivers/soundwire drivers/watchdog drivers/edac drivers/crypto
    drivers/pinctrl drivers/rtc drivers/firewire drivers/misc drivers/extcon drivers/ata
    sound net/wireless net/mac80211 net/bluetooth net/can net/nfc net/ieee802154
""".split()

IMAGE_SIZE = "4G"  # sparse

COMMAND_LINE = (
    "console=ttyS0 root=none no5lvl mitigations=off nokaslr tsc=reliable init_on_alloc=0 apparmor=0 audit=0 "
    "nowatchdog scsi_mod.scan=sync panic=-1 net.ifnames=0 quiet"
)

# The first process of the initrd. $1 is replaced by the modules in the order in which they are loaded.
INITRD_INIT = """#!/bin/sh
mount -t devtmpfs dev /dev
mount -t proc proc /proc
for module in @MODULES@; do
  insmod /modules/$module.ko || echo "lab: cannot load $module" >/dev/ttyS0
done
mount -t ext4 -o noatime,nobarrier /dev/vda /root || echo "lab: cannot mount the root image" >/dev/ttyS0
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 lab /root/lab || echo "lab: cannot mount the share" >/dev/ttyS0
umount /proc
mount --move /dev /root/dev
exec switch_root /root /bin/bash /lab/guest/init
"""
