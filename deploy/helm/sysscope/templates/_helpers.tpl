{{- define "sysscope.name" -}}
{{- if eq .Release.Name "sysscope" -}}sysscope{{- else -}}{{ printf "%s-sysscope" .Release.Name | trunc 63 | trimSuffix "-" }}{{- end -}}
{{- end -}}
{{- define "sysscope.labels" -}}
{app.kubernetes.io/name: sysscope, app.kubernetes.io/instance: {{ .Release.Name }}}
{{- end -}}
