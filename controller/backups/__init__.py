"""Copies of a whole store, made beside its writer, checked, and put back."""

from controller.backups.making import make_backup
from controller.backups.manifest import Backup, BackupUnusable, check_backup, read_backup
from controller.backups.restoring import restore

__all__ = ["Backup", "BackupUnusable", "check_backup", "make_backup", "read_backup", "restore"]
