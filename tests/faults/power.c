// Loaded before the C library (LD_PRELOAD): a disk that keeps, in $POWER_KEPT, of each file in the folder
// $POWER_DATA what it had at its last sync; a file that was deleted stays until its folder is synced.
// All else is what a cut of power loses.

#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Else the older of two copies of a file might be the last.
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static void copy(int from, const char *path) {
  char new_path[PATH_MAX];
  snprintf(new_path, sizeof new_path, "%s.new", path);
  int to = open(new_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  static char block[1 << 16];
  off_t offset = 0;
  ssize_t bytes;
  while ((bytes = pread(from, block, sizeof block, offset)) > 0) {
    if (write(to, block, (size_t)bytes) != bytes) abort();
    offset += bytes;
  }
  if (bytes < 0 || close(to) != 0 || rename(new_path, path) != 0) abort();
}

// What is no longer in the folder is no longer kept.
static void forget(const char *data, const char *kept) {
  DIR *folder = opendir(kept);
  struct dirent *entry;
  while ((entry = readdir(folder)) != NULL) {
    char in_data[PATH_MAX], in_kept[PATH_MAX];
    snprintf(in_data, sizeof in_data, "%s/%s", data, entry->d_name);
    snprintf(in_kept, sizeof in_kept, "%s/%s", kept, entry->d_name);
    if (access(in_data, F_OK) != 0) unlink(in_kept);
  }
  closedir(folder);
}

static int keep(int file) {
  char link[64], path[PATH_MAX], kept[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  struct stat status;
  if (length < 0 || fstat(file, &status) != 0) return 0;
  path[length] = 0;
  const char *data = getenv("POWER_DATA");
  size_t prefix = strlen(data);
  if (strncmp(path, data, prefix) != 0) return 0;
  pthread_mutex_lock(&one_at_a_time);
  if (S_ISDIR(status.st_mode)) {
    forget(data, getenv("POWER_KEPT"));
  } else {
    snprintf(kept, sizeof kept, "%s%s", getenv("POWER_KEPT"), path + prefix);
    copy(file, kept);
  }
  pthread_mutex_unlock(&one_at_a_time);
  return 0;
}

int fsync(int file) { return keep(file); }
int fdatasync(int file) { return keep(file); }
