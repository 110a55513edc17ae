#include "packet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void report_show(const struct packet *packet, const char *format) {
  char heading[64];
  snprintf(heading, sizeof heading, "%.31s, %zu bytes", packet->sender, packet->body_size);
  puts(heading);
  printf(format, packet->body);
}

void report_mail(const char *address) {
  char command[256];
  sprintf(command, "mail -s packet %s < packet.txt", address);
  system(command);
}
