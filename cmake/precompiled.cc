// SPDX-License-Identifier: LGPL-2.1-or-later
// Exists so that the precompiled header has a target that owns it.
