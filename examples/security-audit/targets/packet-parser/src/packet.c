#include "packet.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A packet: sender up to a newline, four bytes of length, the body. */
struct packet *packet_read(const char *path) {
  char line[512];
  uint32_t size;
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    return NULL;
  }
  struct packet *packet = malloc(sizeof *packet);
  if (packet == NULL || fgets(line, sizeof line, file) == NULL) {
    free(packet);
    fclose(file);
    return NULL;
  }
  strcpy(packet->sender, line);
  if (fread(&size, sizeof size, 1, file) != 1) {
    free(packet);
    fclose(file);
    return NULL;
  }
  packet->body = malloc(size + 1);
  packet->body_size = fread(packet->body, 1, size, file);
  packet->body[packet->body_size] = 0;
  fclose(file);
  return packet;
}

void packet_free(struct packet *packet) {
  free(packet->body);
  free(packet);
}
