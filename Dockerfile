# Patina without an installation of Python; data, models and results are in the folder mounted at /work.
# TORCH is a build of PyTorch, as download.pytorch.org/whl names it: cpu, or e.g. cu128 for NVIDIA GPUs.
FROM python:3.12-slim

ARG TORCH=cpu

WORKDIR /opt/patina
COPY requirements.txt ./
# From both indexes at once, pip would take PyPI's build where that is newer than the wanted one.
RUN grep -E '^torch(vision)?>' requirements.txt > torch.txt \
    && pip install --no-cache-dir --index-url https://download.pytorch.org/whl/${TORCH} -r torch.txt \
    && pip install --no-cache-dir -r requirements.txt

COPY pyproject.toml setup.py MANIFEST.in README.md LICENSE ./
COPY code code
COPY confs confs
RUN pip install --no-cache-dir ".[cloud,export,hcl,heic,huge,lmdb,metrics,ncnn,openvino,optimisers,raw,ray,studio,trackio,video,wandb]" && patina doctor

# Any user may run it: caches go where that user can write, and published weights stay with the data.
ENV HOME=/tmp TORCH_HOME=/work/.cache/torch
WORKDIR /work
# `docker stop` then ends a command as Ctrl-C does; a training saves first. Process 1 has no default for SIGTERM.
STOPSIGNAL SIGINT
ENTRYPOINT ["patina"]
CMD ["--help"]
